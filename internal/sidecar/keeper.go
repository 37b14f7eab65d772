package sidecar

import (
	"context"
	"log/slog"
	"time"
)

// Config is what a Keeper needs. Dir and Take must be set.
type Config struct {
	Dir    string        // data directory; it must exist
	Take   func() Memory // what is to be remembered now; its At is set by the Keeper
	Logger *slog.Logger  // nil: silent
}

// How often the file is written. A deregistration is in it within 200 ms, the time of the write included.
const (
	every   = 2 * time.Second        // between two writes, at least
	refresh = 10 * time.Second       // between two writes while only time passes
	soon    = 100 * time.Millisecond // after a deregistration, so that many at once are one write
	share   = 20                     // times as long as a write took, the next one waits: at most 5 % of a core
)

// Keeper writes the file.
type Keeper struct {
	cfg    Config
	urgent chan struct{}
	dirty  chan struct{}

	failed bool // the last write failed, and this was logged
	idle   bool // what was written last says that nobody is here and nothing runs
}

// NewKeeper makes a Keeper. It writes while Run runs.
func NewKeeper(cfg Config) *Keeper {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{cfg: cfg, urgent: make(chan struct{}, 1), dirty: make(chan struct{}, 1)}
}

// Changed has the file written before long.
func (k *Keeper) Changed() { signal(k.dirty) }

// Soon has the file written soon: a driver has deregistered.
func (k *Keeper) Soon() { signal(k.urgent) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run writes the file when there is something to write, until ctx ends, and once more then.
func (k *Keeper) Run(ctx context.Context) {
	if err := clean(k.cfg.Dir); err != nil {
		k.cfg.Logger.Warn("cannot remove an unfinished sidecar file", "err", err)
	}
	defer k.save(true)
	next := time.NewTimer(refresh)
	defer next.Stop()
	free := time.Now() // when the next write may be
	for changed := false; ; changed = false {
		select {
		case <-ctx.Done():
			return
		case <-k.dirty:
			if changed = k.pause(ctx, time.Until(free)); !changed {
				return
			}
		case <-k.urgent:
			if changed = k.pause(ctx, soon); !changed {
				return
			}
		case <-next.C:
		}
		began := time.Now()
		k.save(changed)
		took := time.Since(began)
		free = time.Now().Add(max(every, share*took))
		next.Reset(max(refresh, share*took))
	}
}

// pause waits for the next write; a deregistration makes it come soon. It reports false when ctx ended first.
func (k *Keeper) pause(ctx context.Context, d time.Duration) bool {
	timer, due := time.NewTimer(d), time.Now().Add(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-k.urgent:
			if at := time.Now().Add(soon); at.Before(due) { // never later: there may be one after the other
				due = at
				timer.Reset(soon)
			}
		case <-timer.C:
			return true
		}
	}
}

// save writes what is to be remembered, unless nothing has changed but the time and there is nobody for whom it passes.
// A failure is logged once until a write succeeds again.
func (k *Keeper) save(changed bool) {
	at := time.Now().UTC() // before Take: what it returns was true then, or later
	m := k.cfg.Take()
	m.At = at
	if k.idle && !changed && m.idle() {
		return
	}
	data, err := encode(m.bounded())
	if err == nil {
		err = write(k.cfg.Dir, data)
	}
	k.idle = m.idle() && err == nil
	if err != nil && !k.failed {
		k.cfg.Logger.Warn("cannot write down the drivers and the load chart; a restart will forget them", "err", err)
	}
	k.failed = err != nil
}
