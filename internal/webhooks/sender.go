package webhooks

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Config is what a Sender needs. File, Dir and Log must be set.
type Config struct {
	File   string // the webhooks file
	Dir    string // directory of the cursors; it must exist
	Log    Log
	By     http.RoundTripper // sends the requests; nil: a transport of its own
	Logger *slog.Logger      // nil: silent
}

// Sender delivers to all hooks of a file. It is safe for concurrent use.
type Sender struct {
	cfg     Config
	cursors *cursors
	file    fileState

	mu         sync.Mutex
	deliveries []*delivery       // in the order of the file
	start      func(d *delivery) // nil: Run does not run
}

// Open reads the file, and finds out where each hook continues. A new hook begins at the end of the log; its cursor is
// on disk when Open returns.
func Open(cfg Config) (*Sender, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.By == nil {
		cfg.By = newTransport()
	}
	s := &Sender{cfg: cfg, cursors: loadCursors(cfg.Dir, cfg.Logger)}
	r := read(cfg.File)
	hooks, err := r.hooks()
	if err != nil {
		return nil, err
	}
	s.adopt(r, hooks, "webhooks")
	if err := s.cursors.save(); err != nil {
		return nil, fmt.Errorf("cannot save how far webhooks have got: %w", err)
	}
	return s, nil
}

// Run delivers until ctx ends. Meanwhile it reads the file again when it changes.
func (s *Sender) Run(ctx context.Context) {
	writing, endWriting := context.WithCancel(context.WithoutCancel(ctx)) // the last cursors are written at the end
	var writer sync.WaitGroup
	writer.Go(func() { s.cursors.run(writing) })
	s.startAll(func(d *delivery) { d.start(ctx) })
	s.follow(ctx)
	s.stopAll()
	endWriting()
	writer.Wait()
	if t, ok := s.cfg.By.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

func (s *Sender) startAll(start func(*delivery)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = start
	for _, d := range s.deliveries {
		start(d)
	}
}

func (s *Sender) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = nil // a reload from now on starts nothing
	for _, d := range s.deliveries {
		d.stop()
	}
}

// Status returns how each hook is doing, in the order of the file.
func (s *Sender) Status() []Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Status, len(s.deliveries))
	for i, d := range s.deliveries {
		all[i] = d.now()
	}
	return all
}

// use replaces the hooks. One whose row is the same goes on undisturbed, unless it is disabled.
func (s *Sender) use(hooks []*hook) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := map[string]*delivery{}
	for _, d := range s.deliveries {
		before[d.hook.name] = d
	}
	next := make([]*delivery, len(hooks))
	names := make([]string, len(hooks))
	for i, h := range hooks {
		names[i] = h.name
		if was := before[h.name]; was != nil && was.hook.same(h) && !was.now().Disabled {
			next[i] = was
			delete(before, h.name)
		}
	}
	for _, d := range before { // these have changed, are disabled, or are not in the file
		d.stop()
	}
	s.cursors.keep(names, time.Now())
	for i, h := range hooks {
		if next[i] != nil {
			continue
		}
		next[i] = s.newDelivery(h, before[h.name])
		if s.start != nil {
			s.start(next[i])
		}
	}
	s.deliveries = next
}

// newDelivery makes the delivery of a hook; was is the one under the same name until now, nil if there is none.
func (s *Sender) newDelivery(h *hook, was *delivery) *delivery {
	logger := s.cfg.Logger.With("webhook", h.name, "endpoint", h.endpoint())
	at, known := s.cursors.get(h.name)
	if !known {
		at = end(s.cfg.Log)
		s.cursors.set(h.name, at)
		logger.Info("a new webhook begins at the end of the log", "position", at.position)
	}
	d := &delivery{
		hook: h, log: s.cfg.Log, by: s.cfg.By, cursors: s.cursors, logger: logger, outage: outage{logger: logger},
		place: at, status: Status{Name: h.name, Position: at.position},
	}
	if was != nil {
		counts := was.now()
		d.status.Delivered, d.status.Failed = counts.Delivered, counts.Failed
	}
	return d
}
