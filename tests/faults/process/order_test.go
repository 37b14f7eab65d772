package process_test

import (
	"fmt"
	"sync"
	"testing"
	"time"
)

const crowd = 100 // submitters at once

// TestOrderOverABadNetwork has 100 submitters command ten drivers whose connections carry 3 bytes at a time and are cut
// again and again. No driver sees an older command after a newer one, and in the end all have applied the last command
// of the log, as on a good network.
func TestOrderOverABadNetwork(t *testing.T) {
	w := newWorld(t, 10)
	w.proxy.Slice(3)
	direct := newClient("http://" + w.server.Addr)
	var all sync.WaitGroup
	for s := range crowd {
		all.Go(func() {
			for n := range rounds(5, 100) {
				c := command{
					submitter: fmt.Sprintf("s-%d", s), players: int64(1000*s + n), stop: (s+n)%5 == 0,
					prefer: "respond-async", deadline: 10 * time.Second,
				}
				if a, err := direct.post(t.Context(), c); err != nil || !a.accepted() && a.code != "no_active_drivers" {
					t.Errorf("%+v: %d %s %v", c, a.status, a.body, err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { // ends with the last submitter
		all.Wait()
		close(over)
	}()
	cuts := w.cutUntil(over)
	eventually(t, patience, "every driver is active",
		func() bool { return direct.active(t.Context()) == len(w.drivers) })
	last := w.all(t, len(w.drivers), command{submitter: "last", players: 1, deadline: 20 * time.Second})

	inversions := tally{t: t, what: "commands that a driver saw after a newer one"}
	astray := tally{t: t, what: "drivers that are not where the log is"}
	sessions := 0
	for _, d := range w.drivers {
		newest := frame{}
		for _, f := range d.got() {
			again := f.desired && f.session > newest.session && f.seq == newest.seq
			inversions.trial(f.seq > newest.seq || again, "%s saw %+v after %+v", d.id, f, newest)
			newest = f
		}
		astray.trial(newest.seq == last.Seq, "%s saw %d last, the newest is %d", d.id, newest.seq, last.Seq)
		sessions += newest.session
	}
	inversions.report()
	astray.report()
	t.Logf("%d submitters, %d cuts, %d sessions of %d drivers", crowd, cuts, sessions, len(w.drivers))
}

// cutUntil cuts every connection of the drivers, and again each time they have reconnected, until over is closed.
func (w *world) cutUntil(over <-chan struct{}) (cuts int) {
	w.t.Helper()
	direct := newClient("http://" + w.server.Addr)
	for {
		select {
		case <-over:
			return cuts
		default:
		}
		w.proxy.Cut()
		cuts++
		within(time.Second, func() bool { return direct.active(w.t.Context()) == len(w.drivers) })
	}
}
