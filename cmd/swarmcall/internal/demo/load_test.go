package demo

import (
	"context"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

func TestPlayersLoadTheTarget(t *testing.T) {
	target, err := startTarget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	l := newLoad(target.URL, 10)
	defer l.close()
	players := driver.NewRamp(0, l.play)
	defer players.Close()
	if err := players.Apply(t.Context(), driver.Command{Type: driver.SetPlayers, Players: 10}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "every player has visited twice",
		func() bool { return target.served.Load() >= 20 && l.served.Load() >= 20 })
	if m := l.metrics(); m["rps"] <= 0 || m["errors"] != 0 {
		t.Errorf("metrics %v, want requests and no errors", m)
	}
	players.Close()
	if served, counted := target.served.Load(), l.served.Load(); served < counted || served > counted+10 {
		t.Errorf("the target served %d, the players counted %d", served, counted)
	}
}

func TestFailedVisitsAreCounted(t *testing.T) {
	target, err := startTarget(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	target.close()
	l := newLoad(target.URL, 1)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { l.play(ctx); close(done) }()
	eventually(t, "a visit has failed", func() bool { return l.failed.Load() > 0 })
	cancel()
	<-done
	if m := l.metrics(); m["errors"] <= 0 || m["rps"] != 0 {
		t.Errorf("metrics %v, want errors only", m)
	}
}

// eventually polls until ok, for at most a minute.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
