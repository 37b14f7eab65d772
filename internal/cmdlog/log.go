package cmdlog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultMaxBytes is the size at which a log refuses entries, unless told otherwise.
const DefaultMaxBytes = 8 << 30

// Config says where the log is and who writes to it.
type Config struct {
	Dir      string                           // data directory, made with mode 0700 if absent
	Node     string                           // writer's name in the records
	MaxBytes int64                            // size at which the log refuses entries; 0 for DefaultMaxBytes
	Logger   *slog.Logger                     // nil for none
	Replay   func(pos uint64, r swarm.Record) // called for each stored record, in order, while Open runs; nil for none
}

// Log is the append-only command log. Its methods are safe for concurrent use.
type Log struct {
	cfg    Config
	lock   *os.File
	engine *engine
	codec  *codec
	index  index

	mu    sync.Mutex // one append at a time
	last  uint64     // position of the last record
	chain sum        // its hash
	stuck error      // why nothing may be appended any more
}

// Open locks the directory, starts the engine, reads and checks every record, and returns the log ready to be appended to.
// A new log begins with a reset record. It refuses to open a log that another process has, and a damaged one.
func Open(ctx context.Context, cfg Config) (_ *Log, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	l := &Log{cfg: cfg}
	if l.lock, err = lockDir(cfg.Dir); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.release())
		}
	}()
	if l.codec, err = newCodec(); err != nil {
		return nil, err
	}
	if l.engine, err = startEngine(ctx, cfg.Dir, cfg.MaxBytes, cfg.Logger); err != nil {
		return nil, err
	}
	if err := l.scan(ctx); err != nil {
		return nil, fmt.Errorf("%w; nothing was changed: keep a copy of %s before you do anything about it", err, cfg.Dir)
	}
	if l.last == 0 {
		if _, err := l.Append(ctx, []swarm.Record{newLog(cfg.Node)}); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// newLog is the first record of a log: no load is desired, and the log has a name.
func newLog(node string) *swarm.Reset {
	id := make([]byte, 8)
	_, _ = rand.Read(id) // never fails
	return &swarm.Reset{Node: node, At: time.Now().UTC(), Cause: "new log", LogID: hex.EncodeToString(id), Epoch: 1}
}

// ID names the log, as id.epoch.
func (l *Log) ID() string { return l.index.name() }

// Last is the position of the last record.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Check reports why the log could not take an append now, or nil.
func (l *Log) Check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stuck != nil {
		return l.stuck
	}
	if !l.engine.conn.IsConnected() || !l.engine.server.JetStreamEnabled() {
		return errors.New("the log engine is not running")
	}
	return nil
}

// Failed gets the engine's fatal error, at most once. The log takes nothing any more then.
func (l *Log) Failed() <-chan error { return l.engine.failed }

// Close stops the engine and gives the directory free. No other method may be called from then on.
func (l *Log) Close(ctx context.Context) error {
	done := make(chan error, 1)
	go func() { done <- l.release() }() // the engine's stop takes no context; a process that goes on joins it here
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("the log engine did not stop in time: %w", ctx.Err())
	}
}

func (l *Log) release() error {
	if l.engine != nil {
		l.engine.stop()
	}
	if l.codec != nil {
		l.codec.close()
	}
	return l.lock.Close()
}
