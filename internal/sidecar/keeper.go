package sidecar

import (
	"context"
	"log/slog"
	"time"
)

// Config is what a Keeper needs. Dir and Take must be set.
type Config struct {
	Dir    string        // data directory; it must exist
	Take   func() Memory // returns what must be remembered now; the Keeper sets its At
	Logger *slog.Logger  // nil: silent
}

// How often the file is written. A deregistration is in it within 200 ms, including the time of the write.
const (
	every   = 2 * time.Second        // between two writes, at least
	refresh = 10 * time.Second       // between two writes while only time passes
	soon    = 100 * time.Millisecond // after a deregistration, so that many of them share one write
	share   = 20                     // a write is followed by a pause this many times as long: at most 5 % of a core
)

// Keeper writes the file.
type Keeper struct {
	cfg    Config
	urgent chan struct{}
	dirty  chan struct{}

	failed bool // the last write failed, and this was logged
	idle   bool // the last write had no driver and no load
}

// NewKeeper returns a Keeper. It writes while Run runs.
func NewKeeper(cfg Config) *Keeper {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Keeper{cfg: cfg, urgent: make(chan struct{}, 1), dirty: make(chan struct{}, 1)}
}

// Changed requests a write in the next seconds.
func (k *Keeper) Changed() { signal(k.dirty) }

// Soon requests a write at once: a driver has deregistered.
func (k *Keeper) Soon() { signal(k.urgent) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run writes the file when there is something to write, until ctx ends, and once more at the end.
func (k *Keeper) Run(ctx context.Context) {
	if err := clean(k.cfg.Dir); err != nil {
		k.cfg.Logger.Warn("cannot remove an unfinished sidecar file", "err", err)
	}
	defer k.save(true)
	next := time.NewTimer(refresh)
	defer next.Stop()
	free := time.Now() // earliest time of the next write
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

// pause waits for the next write; a deregistration brings it forward. It reports false if ctx ended first.
func (k *Keeper) pause(ctx context.Context, d time.Duration) bool {
	timer, due := time.NewTimer(d), time.Now().Add(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-k.urgent:
			if at := time.Now().Add(soon); at.Before(due) { // never later: deregistrations may keep coming
				due = at
				timer.Reset(soon)
			}
		case <-timer.C:
			return true
		}
	}
}

// save writes what must be remembered, unless only the time has changed and there is no driver or load. A failure is
// logged once until a write succeeds again.
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
		k.cfg.Logger.Warn("cannot save the drivers and the load chart; a restart will lose them", "err", err)
	}
	k.failed = err != nil
}
