package locust

import (
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/drivetest"
	"github.com/swarmcall/swarmcall/driver"
)

func attach(t *testing.T, f *fake) *Generator {
	t.Helper()
	g, err := Attach(t.Context(), f.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func players(n int64) driver.Command {
	return driver.Command{Type: driver.SetPlayers, Players: n, Deadline: 20 * time.Second}
}

// soon gives a command a short deadline, for tests that wait until it has passed.
func soon(c driver.Command) driver.Command {
	c.Deadline = 2 * time.Second
	return c
}

func delay(d time.Duration) driver.Command {
	return driver.Command{Type: driver.SetSpawnDelay, SpawnDelayMS: d.Milliseconds()}
}

var stop = driver.Command{Type: driver.Stop, Deadline: 20 * time.Second}

func TestPlayersAreAckedWhenTheyShow(t *testing.T) {
	for _, page := range []func(view) string{oldPage, newPage} {
		f := newFake(t)
		f.page = page
		g := attach(t, f)
		drivetest.Applied(t, g, players(0)) // nothing to do
		drivetest.Applied(t, g, players(20))
		if s := g.State(); s.Players != 20 || !s.Running {
			t.Errorf("state %+v", s)
		}
		drivetest.Applied(t, g, delay(250*time.Millisecond)) // no user is being spawned: only stored
		f.begin = func(users int64) { f.set(func(v *view) { v.State, v.Users = "spawning", 21 }) }
		drivetest.Applied(t, g, players(30)) // being spawned
		drivetest.Applied(t, g, delay(100*time.Millisecond))
		f.begin = func(users int64) { f.set(func(v *view) { v.State, v.Users = "running", users }) }
		drivetest.Applied(t, g, players(5))
		drivetest.Applied(t, g, stop)
		if s := g.State(); s.Players != 0 || s.Running || s.SpawnDelayMS != 100 {
			t.Errorf("after the Stop: %+v", s)
		}
		want := []string{"20 at 20", "30 at 4", "30 at 10", "5 at 10"}
		if got := f.asked(); !slices.Equal(got, want) {
			t.Errorf("asked %q, want %q", got, want)
		}
	}
}

func TestSuccessIsNotTrusted(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	f.begin = func(int64) {} // and nothing happens
	drivetest.Rejected(t, g, soon(players(20)), codeUnconfirmed,
		`Locust answered "Swarming started", but after `)
	drivetest.Eventually(t, "it is called off", func() bool { return f.stopped() == 1 })
	if g.State().Running {
		t.Error("what did not come is still wanted")
	}
	f.begin = func(int64) { f.set(func(v *view) { v.State = "spawning" }) }
	drivetest.Rejected(t, g, soon(players(20)), codeUnconfirmed, "state spawning, 0 users")
	drivetest.Eventually(t, "it is called off", func() bool { return f.stopped() == 2 && g.stops.Load() == 0 })
	drivetest.Applied(t, g, delay(time.Minute))
	drivetest.Applied(t, g, players(20)) // the first one is due in a minute
	f.set(func(v *view) { v.Users = 20 })
	f.refuse, f.message = true, "Valid run_time formats are : 20, 20s"
	drivetest.Rejected(t, g, players(10), codeRefused, "Valid run_time formats")
}

func TestZeroWorkersAreARejection(t *testing.T) {
	f := newFake(t)
	f.view.Distributed = true
	g := attach(t, f)
	drivetest.Rejected(t, g, players(20), codeNoWorkers, "0 workers")
	if got := f.asked(); len(got) > 0 {
		t.Errorf("asked %q", got)
	}
	drivetest.Applied(t, g, stop)
	f.set(func(v *view) { v.Workers = 2 })
	drivetest.Applied(t, g, players(20))
}

func TestAShapeIsStopped(t *testing.T) {
	f := newFake(t)
	f.message = "Swarming started using shape class"
	g := attach(t, f)
	drivetest.Rejected(t, g, players(20), codeShape, "LoadTestShape")
	drivetest.Eventually(t, "it is stopped", func() bool { return f.stopped() == 1 })
}

func TestAStopThatLocustDoesNotCarryOut(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	drivetest.Applied(t, g, players(20))
	f.hang = make(chan struct{})
	f.set(func(v *view) { v.State = "stopping" })
	drivetest.Rejected(t, g, soon(stop), codeStopFailed, "state stopping, 20 users")
	drivetest.Rejected(t, g, soon(players(30)), codeUnconfirmed, "still stopping")
	close(f.hang)
	drivetest.Eventually(t, "no users", func() bool { return g.State().Players == 0 && !g.State().Running })
}

func TestFigures(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	drivetest.Eventually(t, "figures", func() bool { return g.Metrics() != nil })
	m := g.Metrics()
	if _, ok := m["latency_p95_ms"]; ok || m["rps"] != 7.5 || m["latency_p50_ms"] != 3 || m["errors_per_s"] != 0.5 {
		t.Errorf("%v", m)
	}
}

func TestNotALocust(t *testing.T) {
	f := newFake(t)
	f.page = func(view) string { return "<html>It works!</html>" }
	_, err := Attach(t.Context(), f.URL, slog.New(slog.DiscardHandler))
	if clierr.CodeOf(err) != clierr.Failed || !strings.Contains(err.Error(), "is it Locust's?") {
		t.Error(err)
	}
}

func TestStartRefuses(t *testing.T) {
	for _, args := range [][]string{{"--headless"}, {"--autostart"}, {"--web-port=1"}} {
		if _, err := Start(t.Context(), Options{Locust: "true", File: "x.py",
			Args: args}); clierr.CodeOf(err) != clierr.Usage {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := Start(t.Context(), Options{Locust: "no-such-program",
		File: "x.py"}); clierr.CodeOf(err) != clierr.Usage {
		t.Error(err)
	}
	_, err := Start(t.Context(), Options{Locust: "false", File: "x.py"})
	if text := clierr.Text(err); !strings.Contains(text, "exit status 1") {
		t.Error(text)
	}
}
