package demo

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// watcher reports changes while the demo runs, and all commands with their outcomes.
type watcher struct {
	*demo
	seq    client.Seq // newest command that was reported
	shown  figures    // figures of the last line
	rate   float64    // requests per second of the last line
	served int64      // requests that the target had served at the time at
	at     time.Time
	silent bool            // the server did not answer last time
	gone   map[string]bool // drivers whose end was reported
}

// figures are the values for which a change prints a line.
type figures struct {
	players             int64
	active, stale, lost int
}

// watch prints a line for every change until ctx ends. It returns an error if the server ends before that.
func (d *demo) watch(ctx context.Context, seq client.Seq) error {
	w := watcher{demo: d, seq: seq, at: time.Now(), served: d.target.served.Load(), gone: map[string]bool{}}
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.server.done:
			return ended("the server", d.server, "")
		case <-tick.C:
			w.look(ctx)
		}
	}
}

func (w *watcher) look(ctx context.Context) {
	w.tellEnded()
	roster, err := w.roster(ctx)
	if err == nil {
		err = w.tellCommands(ctx)
	}
	if err != nil {
		if !w.silent && ctx.Err() == nil && !w.server.ended() {
			w.line("the server does not answer: %v", clierr.Cause(err))
		}
		w.silent = true
		return
	}
	now, rate := count(roster), w.measure()
	if now != w.shown || moved(w.rate, rate) || w.silent {
		w.line("%s", now.text(rate))
		w.shown, w.rate, w.silent = now, rate, false
	}
}

// tellEnded reports each ended driver process once.
func (w *watcher) tellEnded() {
	for _, c := range w.drivers {
		if c.ended() && !w.gone[c.name] {
			w.gone[c.name] = true
			w.line("driver %s ended: %v", c.name, c.err)
		}
	}
}

// tellCommands reports each command that closed since the last call, in order; an open command holds back later ones.
func (w *watcher) tellCommands(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	newest, err := w.api.Commands(ctx, remote.CommandFilter{Limit: 10})
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(newest.Items) {
		if e.Seq <= w.seq {
			continue
		}
		if e.Status == client.StatusPending {
			break
		}
		w.seq = e.Seq
		w.line("%s: %s → %s", e.Submitter, remote.CommandOf(e), sentence(e))
	}
	return nil
}

// measure returns the requests per second that the target has served since the last call.
func (w *watcher) measure() float64 {
	served, now := w.target.served.Load(), time.Now()
	rate := float64(served-w.served) / max(now.Sub(w.at).Seconds(), 0.001)
	w.served, w.at = served, now
	return rate
}

func (w *watcher) line(format string, args ...any) {
	fprintf(w.Out, "%s  "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}

// roster reads the drivers that the server knows.
func (d *demo) roster(ctx context.Context) (remote.Page[client.Driver], error) {
	ctx, cancel := context.WithTimeout(ctx, callPatience)
	defer cancel()
	return d.api.Drivers(ctx, remote.DriverFilter{})
}

func count(r remote.Page[client.Driver]) figures {
	f := figures{active: r.Counts.Active, stale: r.Counts.Stale, lost: r.Counts.Disconnected}
	for _, d := range r.Items {
		if d.State == client.DriverStateActive { // the load of other drivers is not known
			f.players += d.Reported.Players
		}
	}
	return f
}

func (f figures) text(rate float64) string {
	s := fmt.Sprintf("%5d players  %7.0f requests/s   %s active", f.players, rate, plural(f.active, "driver"))
	if f.stale > 0 {
		s += fmt.Sprintf(", %d stale", f.stale)
	}
	if f.lost > 0 {
		s += fmt.Sprintf(", %d disconnected", f.lost)
	}
	return s
}

// moved reports whether two rates differ by more than the noise of a few seconds.
func moved(a, b float64) bool { return math.Abs(a-b) > max(20, 0.2*max(a, b)) }
