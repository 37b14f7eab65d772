package process_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAFullLog: at --log-max-bytes the log refuses load commands with the reason, and can be read as before. It stores
// Stops and all outcomes in its reserve, and continues with a higher limit.
func TestAFullLog(t *testing.T) {
	c := newFullTallies(t, "a full log")
	for round := range rounds(1, 20) {
		t.Run("round", func(t *testing.T) {
			w := newWorld(t, 3, "--log-max-bytes", "16384")
			c.fill(w, "--log-max-bytes")
			w.server.stop(t)
			w.launch.args = nil
			w.up()
			w.joined()
			c.goesOn(w, round)
		})
	}
	c.report()
}

// TestAFullDisk: the same on a full disk, except that the server continues without a restart when there is space again.
func TestAFullDisk(t *testing.T) {
	c := newFullTallies(t, "a full disk")
	dir := t.TempDir()
	err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=80m")
	need(t, err, "a file system of its own (root)")
	t.Cleanup(func() { // runs last: the cleanup of the server is registered later
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	w := newWorldIn(t, filepath.Join(dir, "data"), 3)
	for round := range rounds(2, 20) {
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 30<<20), 0o600); err != nil {
			t.Fatal(err)
		}
		c.fill(w, "disk is full")
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		c.goesOn(w, round)
	}
	c.report()
}

type fullTallies struct {
	refused, told, read, stopped, after tally
}

func newFullTallies(t *testing.T, what string) *fullTallies {
	_, seed := seeded(t)
	f := func(s string) tally { return tally{t: t, what: what + ": " + s, seed: seed} }
	return &fullTallies{
		refused: f("refusals that are not log_unavailable, or are in the log"), told: f("/readyz without the reason"),
		read:    f("reads that fail, entries without outcome"),
		stopped: f("Stops that are refused or do not reach every driver"),
		after:   f("commands refused once there is space, or at a driver and not in the log"),
	}
}

func (c *fullTallies) report() {
	for _, f := range []*tally{&c.refused, &c.told, &c.read, &c.stopped, &c.after} {
		f.report()
	}
}

// fill issues commands until the log refuses them, and checks the server in that state.
func (c *fullTallies) fill(w *world, reason string) {
	t := w.t
	t.Helper()
	var a answer
	players := int64(time.Now().UnixMicro() % 1e9)
	for n := 0; n < 2000; n++ {
		var err error
		if a, err = w.client.post(t.Context(), command{submitter: "ci", players: players}); err != nil {
			t.Fatal(err)
		}
		if !a.accepted() {
			break
		}
		players++
	}
	c.refused.trial(a.status == http.StatusServiceUnavailable && a.code == "log_unavailable" &&
		strings.Contains(string(a.body), reason), "%d %s", a.status, a.body)
	r := w.client.ready(t)
	c.told.trial(r.Status == "unavailable" && strings.Contains(r.reason(), reason), "%+v", r)
	for _, e := range w.client.entries(t, 0, "") {
		c.read.trial(e.complete(), "%+v", e)
		c.refused.trial(e.Command.Players != players, "refused and logged: %+v", e)
	}
	a, err := w.client.post(t.Context(), command{submitter: "ci", stop: true})
	c.stopped.trial(err == nil && a.accepted() && a.entry.Status == "complete" &&
		a.entry.Counts.Acked == len(w.drivers), "%d %s %v", a.status, a.body, err)
}

// goesOn checks the server once it has space again.
func (c *fullTallies) goesOn(w *world, round int) {
	w.t.Helper()
	c.told.trial(within(patience, func() bool { return w.client.ready(w.t).Status == "ok" }), "round %d: %+v", round,
		w.client.ready(w.t))
	a, err := w.client.post(w.t.Context(), command{submitter: "ci", players: 1})
	c.after.trial(err == nil && a.accepted(), "round %d: %d %s %v", round, a.status, a.body, err)
	logged := map[uint64]bool{}
	for _, e := range w.client.entries(w.t, 0, "") {
		logged[e.Seq] = true
	}
	for _, d := range w.drivers {
		for _, f := range d.got() {
			c.after.trial(logged[f.seq] || f.desired && f.kind == "stop", "round %d: %s got %+v", round, d.id, f)
		}
	}
}
