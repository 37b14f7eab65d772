package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultMaxBytes is the default size at which a log refuses entries.
const DefaultMaxBytes = stream.DefaultMaxBytes

// SyncPolicy says when an append is on disk.
type SyncPolicy string

// The policies. With SyncInterval an append may be acknowledged up to a second before it is on disk: kill -9 loses
// nothing, a power cut may lose that second, and the next start reports it like any other loss.
const (
	SyncAlways   SyncPolicy = "always"
	SyncInterval SyncPolicy = "interval"
	// SyncByServers is the policy of a shared log. It cannot be configured.
	SyncByServers SyncPolicy = "set by the NATS servers"
)

// Config says where the log is and who writes to it.
type Config struct {
	Dir      string     // data directory, created with mode 0700 if absent
	Node     string     // writer's name in the records
	Sync     SyncPolicy // "" for SyncAlways
	MaxBytes int64      // size at which the log refuses entries; 0 for DefaultMaxBytes
	// bytes of free disk below which it also refuses entries; 0 for DefaultMinFree
	MinFree    int64
	AcceptLoss bool         // open a damaged log with its intact records, and record the loss
	Logger     *slog.Logger // nil for none
	Meter      Meter        // measures appends; nil for none
	// called for each record of the log that Open returns, in order, while it runs; nil for none
	Replay func(pos uint64, r swarm.Record)
}

// Meter measures the log. Its methods must not block.
type Meter interface {
	Appended(records int, took time.Duration, err error)
	Synced(took time.Duration) // one sync of the log's file
}

// unmetered is the Meter of a log without one.
type unmetered struct{}

func (unmetered) Appended(int, time.Duration, error) {}
func (unmetered) Synced(time.Duration)               {}

func (cfg Config) meter() Meter { return meterOr(cfg.Meter) }

func meterOr(m Meter) Meter {
	if m == nil {
		return unmetered{}
	}
	return m
}

// Log is the append-only command log. Its methods are safe for concurrent use.
type Log struct {
	node   string
	sync   SyncPolicy
	meter  Meter
	replay func(pos uint64, r swarm.Record)

	life   *life
	engine engine
	local  *embedded // the engine, if it is in this process
	tail   *tail     // follows the engine, if other processes append as well
	codec  *logfile.Codec
	most   most
	limits *limits
	index  index
	passed progress // up to where told has returned

	appending sync.Mutex // one append at a time, until told has returned

	mu     sync.Mutex
	told   func(swarm.Appended)
	stored uint64        // position of the last record that can be read
	heads  logfile.Heads // the newest record of each writer; replaced, never changed
}

// most bounds one append.
type most struct {
	records int
	bytes   int // of one record
}

// DamagedError describes stored records that cannot be read.
type DamagedError = logfile.DamagedError

// ID identifies the log, as id.epoch.
func (l *Log) ID() string { return l.index.name() }

// Last returns the position of the last record that the function of Notify has received.
func (l *Log) Last() uint64 { return l.passed.now() }

// SyncPolicy says when an append is on disk.
func (l *Log) SyncPolicy() SyncPolicy { return l.sync }

// Usage reports how much of its limit the log has used.
func (l *Log) Usage() Usage { return Usage{Bytes: l.limits.used.Load(), Max: l.limits.max.Load()} }

// TouchSession records that a driver session was open at t. The time survives the process. Only the log of one server
// does this: for a shared one, all servers would have to know.
func (l *Log) TouchSession(t time.Time) error {
	if l.local == nil {
		return fmt.Errorf("a shared log does not record sessions: %w", errors.ErrUnsupported)
	}
	return l.local.mark.Update(func(m *logfile.Mark) { m.Session = t })
}

// LastSession returns when a driver session was last open, as recorded by TouchSession; zero for never.
func (l *Log) LastSession() time.Time {
	if l.local == nil {
		return time.Time{}
	}
	return l.local.mark.Mark().Session
}

// NextEpoch returns the record that gives the log a new id, because a driver has applied a newer command than this log
// contains: what drivers remember of the log must no longer count. It must be appended in order with the commands,
// because it counts as a Stop for all drivers.
func (l *Log) NextEpoch(cause string) *swarm.Reset {
	id, epoch := l.index.identity()
	return &swarm.Reset{Node: l.node, At: time.Now().UTC(), Cause: cause, LogID: id, Epoch: epoch + 1}
}

// Check returns why the log could not accept an ordinary command now, or nil.
func (l *Log) Check(context.Context) error {
	if failed := l.life.failure(); failed != nil {
		return failed
	}
	if err := l.engine.health(); err != nil {
		return err
	}
	if l.tail != nil {
		if err := l.tail.seen.health(); err != nil {
			return err
		}
	}
	return l.limits.check(oneCommand, false)
}

// Lag returns how many records the log has, as far as is known, that the function of Notify has not received. The only
// writer of a log has none.
func (l *Log) Lag() uint64 {
	if l.tail == nil {
		return 0
	}
	end, at := l.tail.seen.end(), l.Last()
	return max(end, at) - at
}

// Failed receives the error that ended the log, at most once: the log accepts no more records, and the server must
// stop.
func (l *Log) Failed() <-chan error { return l.life.failed }

// Reach waits until the function of Notify has received the record at a position. The only writer of a log is always
// there.
func (l *Log) Reach(ctx context.Context, pos uint64) error {
	if l.tail == nil {
		return nil
	}
	return l.tail.reach(ctx, pos)
}

// CatchUp waits until the function of Notify has received everything that was in the log when CatchUp was called, also
// from other servers. The only writer of a log has.
func (l *Log) CatchUp(ctx context.Context) error {
	if l.tail == nil {
		return nil
	}
	return l.tail.catchUp(ctx)
}

// Close ends the log: an embedded one releases its directory, a shared one leaves its connection open. No other method
// may be called after it.
func (l *Log) Close(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- l.release() }() // the engine's stop takes no context; after a timeout it continues here
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the log engine did not stop in time: %w", ctx.Err())
	}
}

func (l *Log) release() (err error) {
	l.life.kill(nil)
	if l.tail != nil {
		l.tail.wait()
	}
	if l.engine != nil {
		err = l.engine.close()
	}
	if l.codec != nil {
		l.codec.Close()
	}
	return err
}
