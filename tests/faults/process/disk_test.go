package process_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// blockFile is the path of a small log below its data directory.
const blockFile = "jetstream/jetstream/$G/streams/SWARMCALL/msgs/1.blk"

// TestADiskThatFails: after a failed write or sync the server refuses commands, reports the reason and ends. After a
// restart every answered command is there, and drivers have received no other commands.
func TestADiskThatFails(t *testing.T) {
	for _, fault := range []struct {
		name, calls, errno string
		files              []string
	}{
		{"sync fails", "fsync,fdatasync", "EIO", nil},
		{"no space for a record", "write,pwrite64", "ENOSPC", []string{blockFile}},
		{"a record cannot be written", "write,pwrite64", "EIO", []string{blockFile}},
		{"no space for the mark", "write,pwrite64", "ENOSPC", []string{"mark"}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel() // a server that ends for its disk waits for open rounds first
			chance, seed := seeded(t)
			c := newDiskTallies(t, fault.name, seed)
			for round := range rounds(1, 50) {
				t.Run("round", func(t *testing.T) { // its server and drivers end with it
					w := newWorld(t, 3)
					var paths []string
					for _, f := range fault.files {
						paths = append(paths, filepath.Join(w.launch.dir, f))
					}
					h := newHistory()
					fire(w, h, func() {
						eventually(t, patience, "commands are answered",
							func() bool { return h.len() > 3+chance.IntN(20) })
						lift := inject(t, w.server, fault.calls, fault.errno, paths...)
						c.untilItEnds(w)
						lift()
					})
					c.aftermath(w, h, round)
				})
			}
			c.report()
		})
	}
}

// TestALimitOnFiles: a write over `ulimit -f` fails like one to a full disk, and without a warning before.
func TestALimitOnFiles(t *testing.T) {
	t.Parallel()
	_, seed := seeded(t)
	c := newDiskTallies(t, "ulimit -f", seed)
	for round := range rounds(1, 20) {
		t.Run("round", func(t *testing.T) {
			w := newWorld(t, 3)
			w.server.stop(t)
			limited := w.launch
			limited.through = []string{"bash", "-c", fmt.Sprintf(`ulimit -f %d && exec "$@"`, 20+round), "--"}
			w.server = limited.mustStart(t)
			w.proxy.Forward(w.server.Addr)
			w.joined()
			h := newHistory()
			fire(w, h, func() { c.untilItEnds(w) })
			c.aftermath(w, h, round)
		})
	}
	c.report()
}

// fire lets four writers issue commands while act runs, each until its first failure.
func fire(w *world, h *history, act func()) {
	firing, cease := context.WithCancel(w.t.Context())
	defer cease()
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := 0; firing.Err() == nil; n++ {
				c := command{
					submitter: fmt.Sprintf("w-%d", i), players: int64(1000*(i+1) + n), deadline: 500 * time.Millisecond,
				}
				if o := h.record(op{writer: i, command: c}, func(o *op) { try(w, o) }); o.unknown || o.refused {
					return
				}
			}
		})
	}
	act()
	w.proxy.Forward("")
	w.proxy.Cut()
	cease()
	all.Wait()
}

type diskTallies struct {
	absent, sent, ended, unready, refusal, recovered tally
	present                                          int
}

func newDiskTallies(t *testing.T, fault string, seed uint64) *diskTallies {
	f := func(what string) tally { return tally{t: t, what: fault + ": " + what, seed: seed} }
	return &diskTallies{
		absent:    f("accepted commands that are absent after the restart"),
		sent:      f("commands at a driver that are not in the log"),
		ended:     f("servers that go on, or end without a word of the disk"),
		unready:   f("reads that fail while the server is not ready"),
		refusal:   f("refusals that are not log_unavailable"),
		recovered: f("servers that take no commands after the restart, logs that do not verify"),
	}
}

func (c *diskTallies) report() {
	for _, f := range []*tally{&c.absent, &c.sent, &c.ended, &c.recovered} {
		f.report()
	}
	for _, f := range []*tally{&c.unready, &c.refusal} {
		if f.trials == 0 { // a server whose log has failed ends at once, maybe before the first request
			f.t.Logf("%s: the server had ended before the first", f.what)
		} else {
			f.report()
		}
	}
	c.absent.t.Logf("commands refused with log_unavailable whose record had reached the disk all the same: %d",
		c.present)
}

// untilItEnds waits for the server to end, and checks that it reports the reason. While it is not ready, it still
// answers reads until it ends.
func (c *diskTallies) untilItEnds(w *world) {
	over := within(patience, func() bool {
		var r readiness
		if w.client.get(w.t.Context(), "/readyz", &r) == nil && r.Status == "unavailable" {
			a, err := w.client.do(w.t.Context(), http.MethodGet, "/commands", http.Header{}, "")
			c.unready.trial(r.reason() != "" &&
				(err != nil && w.server.EndsWithin(patience) ||
					a.status == http.StatusOK), "%+v; then %d %s, %v", r, a.status, a.body, err)
		}
		return w.server.Over()
	})
	c.ended.trial(over && w.server.Code() == 1 && strings.Contains(w.server.Err.String(), "the log failed"),
		"over %v with %d: %s", over, w.server.Code(), w.server.Err.String())
}

// aftermath starts a server on a disk that works again.
func (c *diskTallies) aftermath(w *world, h *history, round int) {
	w.t.Helper()
	out, err := verify(w.t, w.launch.dir)
	c.recovered.trial(err == nil, "round %d: %s", round, out)
	w.server.Kill()
	w.up()
	w.joined()
	bySeq, byPlayers := map[uint64]entry{}, map[int64]entry{}
	for _, e := range w.client.entries(w.t, 0, "") {
		bySeq[e.Seq], byPlayers[e.Command.Players] = e, e
	}
	for _, o := range h.ops {
		e, logged := byPlayers[o.command.players]
		switch {
		case o.refused:
			c.refusal.trial(o.answer.code == "log_unavailable" || o.answer.code == "shutting_down" ||
				o.answer.code == "outcome_not_recorded", "round %d: %s", round, o.answer.body)
			if logged && o.answer.code == "log_unavailable" {
				c.present++
			}
		case !o.unknown:
			c.absent.trial(logged && e.Seq == o.answer.entry.Seq && e.complete(), "round %d: answered %s, logged %+v",
				round, o.answer.body, e)
		}
	}
	for _, d := range w.drivers {
		for _, f := range d.got() {
			if f.kind == "set_players" {
				c.sent.trial(bySeq[f.seq].Command.Players == f.players, "round %d: %s got %+v, the log has %+v", round,
					d.id, f, bySeq[f.seq])
			}
		}
	}
	a, err := w.client.post(w.t.Context(), command{submitter: "after", players: 1})
	c.recovered.trial(err == nil && a.accepted(), "round %d: %d %s %v", round, a.status, a.body, err)
	w.server.stop(w.t)
}
