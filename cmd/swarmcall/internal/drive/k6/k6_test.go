package k6

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
	f.mu.Lock()
	f.told = nil
	f.mu.Unlock()
	return g
}

func players(n int64) driver.Command { return driver.Command{Type: driver.SetPlayers, Players: n} }

func delay(d time.Duration) driver.Command {
	return driver.Command{Type: driver.SetSpawnDelay, SpawnDelayMS: d.Milliseconds()}
}

var stop = driver.Command{Type: driver.Stop}

func TestPlayersInChunksAndStop(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	drivetest.Applied(t, g, players(60))
	drivetest.Eventually(t, "60 VUs", func() bool { return slices.Contains(f.steps(), 60) })
	if got := f.steps(); !slices.Equal(got, []int64{26, 51, 60}) {
		t.Errorf("told %v; at most %d VUs are to be initialised at once", got, chunk)
	}
	drivetest.Eventually(t, "60 reported", func() bool { return g.State().Players == 60 })
	drivetest.Applied(t, g, players(10)) // down at once
	drivetest.Applied(t, g, stop)
	if s := g.State(); s.Players != 0 || s.Running {
		t.Errorf("after the Stop: %+v", s)
	}
	if got := f.steps(); got[len(got)-1] != 0 {
		t.Errorf("told %v", got)
	}
	if f.run.Status().Stopped {
		t.Error("the Stop ended k6")
	}
}

func TestSpawnDelay(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	drivetest.Applied(t, g, delay(40*time.Millisecond))
	began := time.Now()
	drivetest.Applied(t, g, players(5))
	drivetest.Eventually(t, "5 VUs", func() bool { return slices.Contains(f.steps(), 5) })
	if took := time.Since(began); took < 120*time.Millisecond {
		t.Errorf("5 VUs 40 ms apart came in %v", took)
	}
	if s := g.State(); s.SpawnDelayMS != 40 {
		t.Errorf("state %+v", s)
	}
	f.run.Show(9) // by another client
	drivetest.Applied(t, g, players(5))
	drivetest.Eventually(t, "5 VUs again", func() bool { s, _ := g.api.status(t.Context()); return s.VUs == 5 })
	drivetest.Applied(t, g, delay(time.Hour))
	drivetest.Applied(t, g, players(100)) // acked although its first step is far away
	if n := g.State(); !n.Running {
		t.Errorf("state %+v", n)
	}
	drivetest.Applied(t, g, stop)
	if got := f.steps(); got[len(got)-1] != 0 {
		t.Errorf("told %v", got)
	}
}

func TestRefusalOfAScriptWithoutTheExecutor(t *testing.T) {
	f := newFakeOf(t, fixed)
	_, err := Attach(t.Context(), f.URL, slog.New(slog.DiscardHandler))
	text := clierr.Text(err)
	says := strings.Contains(text, executorName) && strings.Contains(text, "1.8 is the last")
	if clierr.CodeOf(err) != clierr.Usage || !says {
		t.Error(text)
	}
	f = newFake(t)
	g := attach(t, f)
	f.run.SetScenario(fixed)
	err = g.Apply(t.Context(), players(3))
	if err == nil || !strings.HasPrefix(err.Error(), codeRefused+": k6 answered 500: Execution config error") {
		t.Errorf("%v", err)
	}
	if s := g.State(); s.Running {
		t.Errorf("what k6 refused is still wanted: %+v", s)
	}
}

func TestASlowK6IsAckedAndAStoppedOneIsNot(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	f.slow = make(chan struct{})
	c := players(3)
	c.Deadline = 200 * time.Millisecond
	drivetest.Applied(t, g, c) // accepted because of its status: VUs may take long to initialise
	s := stop
	s.Deadline = 200 * time.Millisecond
	f.run.Show(2)
	g.poll.saw(status{VUs: 2})
	err := g.Apply(t.Context(), s)
	if err == nil || !strings.HasPrefix(err.Error(), codeStopped) {
		t.Errorf("a Stop that k6 did not carry out: %v", err)
	}
	close(f.slow)
	drivetest.Eventually(t, "0 VUs", func() bool { _, settled := g.control.due(time.Now()); return settled })
	f.run.Stop()
	if err := g.Apply(t.Context(), players(0)); err == nil {
		t.Error("a run that was stopped took a command")
	}
	<-g.Ended()
	if !strings.Contains(g.Err().Error(), "was stopped") {
		t.Error(g.Err())
	}
}

func TestMetricsAreRates(t *testing.T) {
	p := &poll{}
	at := time.Now()
	sample := func(n float64) map[string]map[string]float64 {
		return map[string]map[string]float64{
			"http_reqs": {"count": n}, "http_req_failed": {"rate": 0.5}, "http_req_duration": {"med": 3, "p(95)": 9},
		}
	}
	p.measured(sample(100), at)
	if _, ok := p.metrics()["rps"]; ok {
		t.Errorf("a rate of one sample: %v", p.metrics())
	}
	p.measured(sample(150), at.Add(2*time.Second))
	if m := p.metrics(); m["rps"] != 25 || m["errors_per_s"] != 12.5 || m["run_latency_p50_ms"] != 3 ||
		m["run_latency_p95_ms"] != 9 {
		t.Errorf("%v", m)
	}
}

func TestMetricsOfTheFake(t *testing.T) {
	f := newFake(t)
	g := attach(t, f)
	f.mu.Lock()
	f.reqs = 10
	f.mu.Unlock()
	drivetest.Eventually(t, "metrics", func() bool { return g.Metrics()["run_latency_p95_ms"] == 9 })
}

func TestNothingToAttachTo(t *testing.T) {
	f := newFake(t)
	f.Close()
	if _, err := Attach(t.Context(), f.URL, slog.New(slog.DiscardHandler)); clierr.CodeOf(err) != clierr.Failed {
		t.Error(err)
	}
}
