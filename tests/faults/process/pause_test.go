package process_test

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestAPausedServer suspends the whole process for a while, like a suspended machine. No command closes later than its
// deadline plus the pause, and healthy drivers do not count as lost. Deadlines run on the monotonic clock, which the
// pause does not stop.
func TestAPausedServer(t *testing.T) {
	chance, seed := seeded(t)
	w := newWorld(t, 3, "--stale-after", "1s")
	everybody := append(drivers(t, w.proxy.URL(), 1, func(d *light) { d.id, d.holds = "silent", true }), w.drivers...)
	eventually(t, patience, "the silent driver is active", func() bool { return w.client.active(t.Context()) == 4 })
	late := tally{t: t, what: "outcomes later than deadline and pause", seed: seed}
	early := tally{t: t, what: "outcomes before the deadline though nobody answered, or incomplete ones", seed: seed}
	dead := tally{t: t, what: "drivers that are taken for dead after a pause", seed: seed}
	worst := time.Duration(0)
	for round := range rounds(3, 30) {
		h := newHistory()
		firing, cease := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() { hurry(firing, w, h, i, round) })
		}
		eventually(t, patience, "commands are answered", func() bool { return h.len() > 3 })
		sleep(everybody, round%2 == 0) // as if on the same machine: then no heartbeats wait in the sockets
		pause := pauseFor(w.server, time.Duration(500+chance.IntN(1300))*time.Millisecond)
		a, err := w.client.post(t.Context(), command{submitter: "after", players: 1, prefer: "respond-async"})
		dead.trial(err == nil && a.entry.Counts.Targeted == 4, "round %d: right after %v: %d %s, %v", round, pause,
			a.status, a.body, err)
		sleep(everybody, false)
		cease()
		all.Wait()
		for _, o := range h.ops {
			dead.trial(o.answer.code != "no_active_drivers", "round %d: in a pause of %v: %s", round, pause,
				o.answer.body)
			e := o.answer.entry
			over := time.Duration((e.DurationMS - float64(e.DeadlineMS)) * float64(time.Millisecond))
			worst = max(worst, over)
			late.trial(!o.unknown && over < pause+slack(pause), "round %d: %v over the deadline, paused for %v: %s",
				round, over, pause, o.answer.body)
			answered := o.command.target == "" || e.Counts.Superseded > 0
			early.trial(o.answer.code == "no_active_drivers" || e.complete() && (answered || over >= 0), "round %d: %s",
				round, o.answer.body)
		}
	}
	for _, c := range []*tally{&late, &early, &dead} {
		c.report()
	}
	t.Logf("latest past its deadline, a pause of up to 1.8 s included: %v", worst)
}

// slack is how long a machine may take to wake a timer and sync a record: a second with `make soak`, and far longer on
// a machine that may be busy. Only `make soak` can detect a deadline that starts again after a pause, or is forgotten.
func slack(pause time.Duration) time.Duration {
	if soak {
		return time.Second
	}
	return patience/4 + pause
}

// hurry issues commands. Those of every second writer are for the driver that never answers, so that each closes at its
// deadline.
func hurry(firing context.Context, w *world, h *history, writer, round int) {
	for n := 0; firing.Err() == nil; n++ {
		c := command{
			submitter: fmt.Sprintf("w-%d", writer), players: int64(1000*round + n),
			deadline: time.Duration(20*(writer+1)) * time.Millisecond,
		}
		if writer%2 == 1 {
			c.target = "silent"
		}
		h.record(op{writer: writer, command: c}, func(o *op) { try(w, o) })
	}
}

func sleep(drivers []*light, asleep bool) {
	for _, d := range drivers {
		d.asleep.Store(asleep)
	}
}

// pauseFor suspends the server while its clock continues, and returns the real length of the pause.
func pauseFor(s *server, d time.Duration) time.Duration {
	began := time.Now()
	s.Suspend()
	<-time.After(d)
	s.Signal(syscall.SIGCONT)
	return time.Since(began)
}
