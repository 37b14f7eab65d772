package cmdlog

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultReplicas is how many servers store a shared log, unless configured.
const DefaultReplicas = 3

// Shared says where the log of several servers is.
type Shared struct {
	// Conn is connected to the NATS cluster, and stays open when the log is closed. It should reconnect for ever, and
	// have no buffer for the time without a connection (nats.ReconnectBufSize(-1)): what is not sent at once must not
	// be sent later.
	Conn     *nats.Conn
	Node     string       // writer's name in the records; no two servers may have the same
	Replicas int          // of the stream, if Connect creates it; 0 for DefaultReplicas
	MaxBytes int64        // likewise; 0 for DefaultMaxBytes
	Logger   *slog.Logger // nil for none
	Meter    Meter        // measures appends; nil for none
	// called for each record that the log has when Connect returns, in order, while it runs; and until Notify is
	// called, for each that others append; nil for none
	Replay func(pos uint64, r swarm.Record)

	stream  string // name of the stream; "" for that of every log
	subject string
	// how long its servers may deny records that the log has; 0 for denialPatience
	patience time.Duration
}

func (cfg Shared) complete() (Shared, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = DefaultReplicas
	}
	if cfg.stream == "" {
		cfg.stream, cfg.subject = logfile.StreamName, logfile.Subject
	}
	if cfg.patience == 0 {
		cfg.patience = denialPatience
	}
	if cfg.Node == "" {
		return cfg, errors.New("a shared log needs the name of this server: set --node-name")
	}
	return cfg, nil
}

// Connect opens the log that several servers share, in a stream of a NATS cluster, and creates it if it is absent. It
// returns when it has received everything that the stream had; the log is then ready for appends. Connect refuses a
// stream whose settings would break a guarantee, and one with records that are damaged or not of a log.
func Connect(ctx context.Context, cfg Shared) (_ *Log, err error) {
	if cfg, err = cfg.complete(); err != nil {
		return nil, err
	}
	l := &Log{
		node: cfg.Node, sync: SyncByServers, meter: meterOr(cfg.Meter), replay: cfg.Replay, life: newLife(),
		heads: logfile.Heads{},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if l.codec, err = logfile.NewCodec(); err != nil {
		return nil, err
	}
	e, found, err := openStream(ctx, cfg)
	if err != nil {
		return nil, err
	}
	l.engine, l.most = e, most{records: mostBatch, bytes: e.mostBytes(cfg.Logger, found.Config)}
	l.limits = sharedLimits(cfg, stateOf(found))
	ids := appendIDs{node: url.PathEscape(cfg.Node), instance: rand.Text(), count: new(uint64)}
	l.tail = newTail(l, e, ids)
	l.tail.seen.patience = cfg.patience
	l.tail.start()
	if err := l.replayAll(ctx); err != nil {
		return nil, err
	}
	if id, _ := l.index.identity(); id == "" {
		return nil, fmt.Errorf("the stream %s has records, but none that begins a log", cfg.stream)
	}
	return l, nil
}

// replayAll receives what the stream has, and begins the log if that is nothing.
func (l *Log) replayAll(ctx context.Context) error {
	if err := l.firstCatchUp(ctx); err != nil {
		return l.startFailed(err)
	}
	if l.Last() == 0 {
		first := &swarm.Reset{Node: l.node, At: time.Now().UTC(), Cause: "new log", LogID: newLogID(), Epoch: 1}
		_, err := l.Append(ctx, 0, []swarm.Record{first})
		switch {
		case errors.Is(err, swarm.ErrConflict): // another server has begun it
		case err != nil:
			return l.startFailed(err)
		case l.replay != nil:
			l.replay(1, first)
		}
	}
	if err := l.tail.copyComplete(); err != nil {
		return err
	}
	l.tail.began(l.Last())
	return nil
}

// A stream that was created a moment ago may have no leader yet, or the server may not know it.
const (
	startPatience = 10 * time.Second
	startPause    = 100 * time.Millisecond
)

// firstCatchUp is CatchUp, repeated for a while.
func (l *Log) firstCatchUp(ctx context.Context) error {
	for began := time.Now(); ; {
		err := l.CatchUp(ctx)
		if err == nil || l.life.failure() != nil || time.Since(began) >= startPatience {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(startPause):
		}
	}
}

// startFailed prefers the reason why the log ended.
func (l *Log) startFailed(err error) error {
	if failed := l.life.failure(); failed != nil {
		return failed
	}
	return err
}

// sharedLimits are the limits of a stream. How much disk its servers have left cannot be seen from here.
func sharedLimits(cfg Shared, now state) *limits {
	l := &limits{
		overhead: stream.Overhead, logger: cfg.Logger,
		whose: "max_bytes of the stream " + cfg.stream + " allows; raise it (`nats stream edit`)",
	}
	l.reported(now)
	return l
}
