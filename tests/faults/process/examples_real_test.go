package process_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// TestExamplesOnARealServer takes each example through a driver's life: it registers, receives players and a spawn
// delay, is stopped, misses a Stop while it is disconnected, survives a restart of the server, a kill -9 and the loss
// of its log, and deregisters.
func TestExamplesOnARealServer(t *testing.T) {
	w := newWorld(t, 0)
	var drivers []*program
	for _, e := range examples(t) {
		drivers = append(drivers, e.run(t, e.name+"-1", w.proxy.URL()))
	}
	n := len(drivers)
	w.converged(n, "after they have registered")
	w.all(t, n, command{submitter: "ops", players: 30})
	took := w.converged(n, "30 players are wanted")
	w.spawnDelay(5)
	w.converged(n, "a spawn delay is wanted")
	w.all(t, n, command{submitter: "ops", stop: true})
	t.Logf("%d examples: 30 players run %v after they are wanted, 0 run %v after the Stop", n, took,
		w.converged(n, "a Stop"))
	w.load(n)
	w.missedByAll(drivers)
	w.load(n)
	w.restarted(drivers, "an orderly restart", 20, func() { w.server.stop(t) })
	w.restarted(drivers, "a kill -9", 20, func() { w.server.Kill() })
	w.restarted(drivers, "the loss of the whole log", 0, func() {
		w.server.Kill()
		w.launch.dir = t.TempDir()
	})
	for _, p := range drivers {
		p.Signal(syscall.SIGTERM)
		if !p.EndsWithin(patience) {
			t.Errorf("%s goes on after SIGTERM", p.id)
		}
	}
	eventually(t, patience, "drivers that left are not shown", func() bool { return len(w.state().Drivers) == 0 })
}

// spawnDelay sets the spawn delay, and checks that every driver acks it and then reports it.
func (w *world) spawnDelay(ms int64) {
	w.t.Helper()
	body := fmt.Sprintf(`{"submitter":"ops","command":{"type":"set_spawn_delay_ms","spawn_delay_ms":%d}}`, ms)
	a, err := w.client.do(w.t.Context(), http.MethodPost, "/commands",
		http.Header{"Content-Type": {"application/json"}}, body)
	if err != nil || a.entry.Status != "complete" {
		w.t.Fatalf("a spawn delay: %d %s %v", a.status, a.body, err)
	}
	eventually(w.t, patience, "every driver reports the spawn delay", func() bool {
		s := w.state()
		for _, d := range s.Drivers {
			if d.Reported.SpawnDelayMS != ms {
				return false
			}
		}
		return len(s.Drivers) > 0
	})
}

// load brings n drivers to load.
func (w *world) load(n int) {
	w.t.Helper()
	w.all(w.t, n, command{submitter: "ops", players: 20})
	w.converged(n, "20 players are wanted")
}

// missedByAll issues a Stop while no driver is connected.
func (w *world) missedByAll(drivers []*program) {
	w.t.Helper()
	direct := newClient("http://" + w.server.Addr)
	w.proxy.Forward("")
	w.proxy.Cut()
	eventually(w.t, patience, "everybody is cut off", func() bool { return direct.active(w.t.Context()) == 0 })
	a, err := direct.post(w.t.Context(), command{submitter: "ops", stop: true})
	if err != nil || !a.entry.missingBy("disconnected") || a.entry.Counts.Targeted != len(drivers) {
		w.t.Errorf("a Stop with nobody there: %d %s %v", a.status, a.body, err)
	}
	w.proxy.Forward(w.server.Addr)
	took := w.converged(len(drivers), "after a Stop that all have missed")
	if running := w.state().running(); running > 0 {
		w.t.Errorf("%d drivers run on after a Stop that they have missed", running)
	}
	w.t.Logf("a Stop that all of %d examples have missed: 0 players %v after the way to the server is free",
		len(drivers), took.Round(time.Millisecond))
}

// restarted restarts the server, and expects the given number of players of each driver after that: the number that it
// had, or none if the log is lost.
func (w *world) restarted(drivers []*program, how string, players int64, end func()) {
	w.t.Helper()
	end()
	w.down()
	w.up()
	took := w.converged(len(drivers), how)
	for _, p := range drivers {
		if d := w.state().of(p.id); d.Reported.Players != players {
			w.t.Errorf("%s: %s is at %+v, want %d players", how, p.id, d, players)
		}
	}
	w.t.Logf("%s: %d examples run %d players %v after the server answers again", how, len(drivers), players,
		took.Round(time.Millisecond))
}
