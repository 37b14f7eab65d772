package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultMaxBytes is the default size at which a log refuses entries.
const DefaultMaxBytes = 8 << 30

// SyncPolicy says when an append is on disk.
type SyncPolicy string

// The policies. With SyncInterval an append may be acknowledged up to a second before it is on disk: kill -9 loses
// nothing, a power cut may lose that second, and the next start reports it like any other loss.
const (
	SyncAlways   SyncPolicy = "always"
	SyncInterval SyncPolicy = "interval"
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

func (l *Log) meter() Meter {
	if l.cfg.Meter == nil {
		return unmetered{}
	}
	return l.cfg.Meter
}

// Log is the append-only command log. Its methods are safe for concurrent use.
type Log struct {
	cfg    Config
	lock   *os.File
	engine *engine
	stream store // the engine, except in tests
	codec  *logfile.Codec
	mark   *logfile.MarkFile
	reader *logfile.Reader
	tail   *logfile.Tail
	limits limits
	index  index

	appending sync.Mutex // one append at a time, until told has returned
	told      func(swarm.Appended)

	mu    sync.Mutex    // held while records are stored
	last  uint64        // position of the last record
	heads logfile.Heads // the newest record of each writer
}

// DamagedError describes stored records that cannot be read.
type DamagedError = logfile.DamagedError

// ID identifies the log, as id.epoch.
func (l *Log) ID() string { return l.index.name() }

// Last returns the position of the last record.
func (l *Log) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// SyncPolicy says when an append is on disk.
func (l *Log) SyncPolicy() SyncPolicy { return l.cfg.Sync }

// Usage reports how much of its limit the log has used.
func (l *Log) Usage() Usage { return Usage{Bytes: l.limits.used.Load(), Max: l.limits.max} }

// TouchSession records that a driver session was open at t. The time survives the process.
func (l *Log) TouchSession(t time.Time) error {
	return l.mark.Update(func(m *logfile.Mark) { m.Session = t })
}

// LastSession returns when a driver session was last open, as recorded by TouchSession; zero for never.
func (l *Log) LastSession() time.Time { return l.mark.Mark().Session }

// NextEpoch returns the record that gives the log a new id, because a driver has applied a newer command than this log
// contains: what drivers remember of the log must no longer count. It must be appended in order with the commands,
// because it counts as a Stop for all drivers.
func (l *Log) NextEpoch(cause string) *swarm.Reset {
	id, epoch := l.index.identity()
	return &swarm.Reset{Node: l.cfg.Node, At: time.Now().UTC(), Cause: cause, LogID: id, Epoch: epoch + 1}
}

// Check returns why the log could not accept an ordinary command now, or nil.
func (l *Log) Check(context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.engine.failure(); failed != nil {
		return failed
	}
	if !l.engine.conn.IsConnected() || !l.engine.server.JetStreamEnabled() {
		return errors.New("the log engine is not running")
	}
	return l.limits.check(oneCommand, false)
}

// Failed receives the error that ended the log, at most once: the log accepts no more records, and the server must
// stop.
func (l *Log) Failed() <-chan error { return l.engine.failed }

// Close stops the engine and releases the directory. No other method may be called after it.
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
	if l.engine != nil {
		l.engine.stop()
	}
	if l.codec != nil {
		l.codec.Close()
	}
	if l.tail != nil {
		err = l.tail.Close()
	}
	if l.mark != nil {
		err = errors.Join(err, l.mark.Close())
	}
	return errors.Join(err, l.reader.Close(), l.lock.Close())
}
