package audit

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"syscall"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is what a Log needs. Dir must be set.
type Config struct {
	Dir      string       // data directory; it must exist, and no other process may write to it
	MaxBytes int64        // size at which a file is followed by a new one; 0: 8 MiB
	Keep     int          // how many older files are kept; 0: 4
	Logger   *slog.Logger // nil: silent
}

func (c *Config) validate() error {
	if c.Dir == "" || c.MaxBytes < 0 || c.Keep < 0 {
		return fmt.Errorf("the audit log needs a directory and sizes that are not negative, not %q, %d bytes, %d files",
			c.Dir, c.MaxBytes, c.Keep)
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = 8 << 20
	}
	if c.Keep == 0 {
		c.Keep = 4
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}

const (
	maxQueue = 1024             // events that wait to be written
	retry    = 10 * time.Second // how often it tries to write that events were lost while no others come
)

// Log is the audit log of a server.
type Log struct {
	logger *slog.Logger
	files  *files
	wake   chan struct{}
	done   chan struct{} // closed when the writer has ended

	failing bool // of the writer: the last write has failed, and this was logged

	mu      sync.Mutex
	queue   []Event
	repeats repeats
	lost    Event // Count 0: nothing
	closed  bool
}

// Open opens the audit log of a directory and starts its writer, which ends with Close.
func Open(cfg Config) (*Log, error) { return open(cfg, osDisk) }

func open(cfg Config, d disk) (*Log, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	f, err := openFiles(cfg, d)
	if err != nil {
		return nil, fmt.Errorf("cannot open the audit log in %s: %w", cfg.Dir, err)
	}
	l := &Log{logger: cfg.Logger, files: f, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run() // Close waits for it
	return l, nil
}

// Record adds an event. It never waits for the disk. After Close it does nothing.
func (l *Log) Record(e Event) {
	e = clean(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if e.At.IsZero() {
		e.At = now
	}
	switch {
	case l.closed || e.Kind == swarm.AuditRefused && !l.repeats.first(e, now):
		return
	case len(l.queue) >= maxQueue:
		l.lose(e, "events came faster than they could be written")
	default:
		l.queue = append(l.queue, e)
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// lose counts an event that will not be written. The caller holds the lock.
func (l *Log) lose(e Event, why string) {
	last := e.At
	if !e.Until.IsZero() {
		last = e.Until
	}
	if l.lost.Count == 0 {
		l.lost = Event{Kind: swarm.AuditLost, At: e.At, Until: last}
	}
	l.lost.Count += max(e.Count, 1)
	l.lost.Detail = text(why)
	if e.At.Before(l.lost.At) {
		l.lost.At = e.At
	}
	if last.After(l.lost.Until) {
		l.lost.Until = last
	}
	l.lost.Via.Server = true
}

// run writes what is recorded, until Close.
func (l *Log) run() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		batch, last := l.take()
		l.write(batch)
		if last {
			return
		}
		timer.Reset(l.pause())
		select {
		case <-l.wake:
		case <-timer.C:
		}
	}
}

// take returns what is to be written now, and whether it is the last.
func (l *Log) take() (batch []Event, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lost.Count > 0 {
		batch = append(batch, l.lost)
		l.lost = Event{}
	}
	batch = append(batch, l.queue...)
	l.queue = l.queue[:0]
	return append(batch, l.repeats.ended(time.Now(), l.closed)...), l.closed
}

// pause returns how long the writer may wait if nothing is recorded.
func (l *Log) pause() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := time.Hour
	if len(l.repeats.order) > 0 {
		d = time.Until(l.repeats.order[0].ends)
	}
	if l.lost.Count > 0 {
		d = min(d, retry)
	}
	return d
}

func (l *Log) write(batch []Event) {
	if len(batch) == 0 {
		return
	}
	lines := make([][]byte, len(batch))
	for i, e := range batch {
		lines[i] = encode(e)
	}
	n, err := l.files.append(lines)
	if err != nil {
		l.mu.Lock()
		for _, e := range batch[n:] {
			l.lose(e, cause(err))
		}
		l.mu.Unlock()
		if !l.failing {
			l.logger.Warn("cannot write the audit log; events are lost until it can be written", "err", err)
		}
	}
	l.failing = err != nil
	if n > 0 && batch[0].Kind == swarm.AuditLost {
		l.logger.Warn("the audit log is written again; events were lost", "count", batch[0].Count,
			"since", batch[0].At.UTC(), "until", batch[0].Until.UTC(), "cause", batch[0].Detail)
	}
}

// cause is the part of an error that belongs into the audit log: not the path.
func cause(err error) string {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errno.Error()
	}
	return err.Error()
}

// Close writes what was recorded before, including the refusals that were counted, and ends the writer.
func (l *Log) Close() error {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	<-l.done
	err := l.files.close()
	if l.lost.Count > 0 {
		err = errors.Join(err, fmt.Errorf("%d events of the audit log are lost: %s", l.lost.Count, l.lost.Detail))
	}
	return err
}
