package app

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/feed"
	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
)

// commandLog is the log as the server uses it: what its components call, and what joins them.
type commandLog interface {
	dispatch.Log
	feed.Log
	web.Log
	eventLog

	// ID identifies the log, as id.epoch. NextEpoch returns the record that gives it the next epoch.
	ID() string
	NextEpoch(cause string) *swarm.Reset

	// Unclosed returns the entries without an outcome, oldest first.
	Unclosed(ctx context.Context) ([]swarm.Entry, error)

	// Notify registers the function that receives each append, in order.
	Notify(told func(swarm.Appended))

	// Check returns why the log could not accept an ordinary command now; Failed receives what ended it.
	Check(ctx context.Context) error
	Failed() <-chan error
	Usage() cmdlog.Usage
	SyncPolicy() cmdlog.SyncPolicy

	Close(ctx context.Context) error
}

// eventLog is the part of httpapi.Log that every log has.
type eventLog interface {
	Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error)
	Absent(after, upTo uint64) []swarm.Span
}

// sessionTimes records when a driver session was last open, so that a start knows for how long there was none.
type sessionTimes interface {
	TouchSession(t time.Time) error
	LastSession() time.Time // zero for never
}

// openLog opens the log: in the data directory, or the one that several nodes share.
func (s *server) openLog(ctx context.Context) error {
	if s.cfg.NATSURL != "" {
		return s.openShared(ctx)
	}
	log, err := cmdlog.Open(ctx, cmdlog.Config{
		Dir: s.cfg.DataDir, Node: s.cfg.NodeName, Sync: cmdlog.SyncPolicy(s.cfg.LogSync), MaxBytes: s.cfg.LogMaxBytes,
		AcceptLoss: s.cfg.AcceptDataLoss, Logger: s.cfg.Logger, Meter: s.metrics.Log, Replay: s.memory.take,
	})
	if err != nil {
		return err
	}
	s.log, s.sessions = log, log
	return nil
}

var (
	_ commandLog   = (*cmdlog.Log)(nil)
	_ httpapi.Log  = patientLog{}
	_ sessionTimes = (*cmdlog.Log)(nil)
)
