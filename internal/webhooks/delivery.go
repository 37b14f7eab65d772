package webhooks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The pause after a failed attempt doubles from the first to the longest.
const (
	firstPause   = time.Second
	longestPause = time.Minute

	readPause = 10 * time.Second // after the log could not be read
)

// Status is how one hook is doing. The counts are those since the start of the server.
type Status struct {
	Name      string
	Position  uint64 // every record up to it was accepted, or is not for this hook
	Behind    uint64 // records of the log after Position, whether for this hook or not
	Delivered uint64 // records that were accepted
	Failed    uint64 // attempts that failed

	FailingSince time.Time // zero: the last attempt succeeded
	LastError    string    // of the last attempt; empty if it succeeded
	Disabled     bool      // it answered 410 Gone, and gets nothing until the file is read again
}

// delivery is the work for one hook.
type delivery struct {
	hook    *hook
	log     Log
	by      http.RoundTripper
	cursors *cursors
	logger  *slog.Logger

	place  place  // used by run only
	outage outage // likewise

	mu     sync.Mutex
	status Status

	end  context.CancelFunc // nil: it was not started
	done chan struct{}
}

// start runs the delivery until ctx ends, or stop is called.
func (d *delivery) start(ctx context.Context) {
	ctx, d.end = context.WithCancel(ctx)
	d.done = make(chan struct{})
	go func() { // stop waits for it
		defer close(d.done)
		d.run(ctx)
	}()
}

// stop ends a delivery and waits for that.
func (d *delivery) stop() {
	if d.end != nil {
		d.end()
		<-d.done
	}
}

// run delivers records until ctx ends or the endpoint is gone.
func (d *delivery) run(ctx context.Context) {
	if !d.resume(ctx) {
		return
	}
	for {
		events, ok := d.read(ctx)
		if !ok {
			return
		}
		for _, e := range events {
			if !d.take(ctx, e) {
				return
			}
		}
	}
}

// resume finds out where to continue. It returns false if ctx ended.
func (d *delivery) resume(ctx context.Context) bool {
	return d.try(ctx, func() error {
		at, moved, err := resume(ctx, d.log, d.place)
		if err != nil || moved == "" {
			return err
		}
		d.logger.Warn("a webhook does not continue where it was: "+moved, "log_id", d.place.log, "was", d.place.position,
			"continues_after", at.position)
		d.moved(at, false)
		return nil
	})
}

// read returns the next records. It returns false if ctx ended.
func (d *delivery) read(ctx context.Context) (events []*swarm.Event, ok bool) {
	ok = d.try(ctx, func() (err error) {
		events, err = d.log.After(ctx, d.place.position)
		return err
	})
	return events, ok
}

// try reads from the log until that succeeds. It returns false if ctx ended.
func (d *delivery) try(ctx context.Context, read func() error) bool {
	for tries := 0; ; tries++ {
		err := read()
		if ctx.Err() != nil {
			return false
		}
		if err == nil {
			if tries > 0 {
				d.succeeded()
			}
			return true
		}
		d.failed(fmt.Errorf("cannot read the log: %w", err))
		if !wait(ctx, readPause) {
			return false
		}
	}
}

// take delivers a record, if the hook wants it, and moves the cursor past it. It returns false if ctx ended before
// that, or the endpoint is gone.
func (d *delivery) take(ctx context.Context, e *swarm.Event) bool {
	at := d.place.at(e)
	wanted := d.hook.wants(e)
	if wanted && !d.deliver(ctx, messageOf(at, e)) {
		return false
	}
	d.moved(at, wanted)
	return true
}

// moved notes that the hook has read up to a place.
func (d *delivery) moved(at place, delivered bool) {
	d.place = at
	d.cursors.set(d.hook.name, at)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.Position = at.position
	if delivered {
		d.status.Delivered++
	}
}

// deliver posts a message until the endpoint accepts it.
func (d *delivery) deliver(ctx context.Context, m message) bool {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		asked, err := attempt(ctx, d.by, d.hook, m)
		switch {
		case err == nil:
			d.succeeded()
			return true
		case ctx.Err() != nil:
			return false
		case errors.Is(err, errGone):
			d.gone(m)
			return false
		}
		d.failed(err)
		if !wait(ctx, max(asked, jittered(pause))) {
			return false
		}
	}
}

// jittered is a random time between half of d and d, so that servers and hooks do not retry at the same moments.
func jittered(d time.Duration) time.Duration {
	return d/2 + rand.N(d/2+1) //nolint:gosec // spreads load; not a secret
}

// wait returns false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (d *delivery) succeeded() {
	d.outage.ended(time.Now())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.FailingSince, d.status.LastError = time.Time{}, ""
}

func (d *delivery) failed(err error) {
	d.outage.failed(err, time.Now())
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.Failed++
	d.status.FailingSince, d.status.LastError = d.outage.since.UTC(), err.Error()
}

func (d *delivery) gone(m message) {
	d.logger.Error("a webhook answered 410 Gone and gets nothing more, until the webhooks file changes or is read again",
		"webhook_id", m.id)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.status.Failed++
	d.status.Disabled, d.status.LastError = true, errGone.Error()
	if d.status.FailingSince.IsZero() {
		d.status.FailingSince = time.Now().UTC()
	}
}

// now returns the status at this moment.
func (d *delivery) now() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	if last := d.log.Last(); last > s.Position { // else the record is newer than this reading
		s.Behind = last - s.Position
	}
	return s
}
