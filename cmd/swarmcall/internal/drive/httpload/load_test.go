package httpload

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/driver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = time.Minute

// target counts requests, and holds them as long as hold is not nil and open.
type target struct {
	*httptest.Server
	served, inside, peak atomic.Int64
	hold                 chan struct{}
	last                 atomic.Pointer[http.Request]
}

func newTarget(t *testing.T, hold chan struct{}) *target {
	g := &target{hold: hold}
	g.Server = httptest.NewServer(g)
	t.Cleanup(g.Close)
	return g
}

func (g *target) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.served.Add(1)
	g.last.Store(r)
	n := g.inside.Add(1)
	defer g.inside.Add(-1)
	for peak := g.peak.Load(); n > peak && !g.peak.CompareAndSwap(peak, n); peak = g.peak.Load() {
	}
	if g.hold != nil {
		select {
		case <-g.hold:
		case <-r.Context().Done():
		}
	}
	_, _ = fmt.Fprintln(w, "hello")
}

func newLoad(t *testing.T, o Options) *Load {
	t.Helper()
	if o.Method == "" {
		o.Method = "GET"
	}
	l, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func (l *Load) do(t *testing.T, c driver.Command) {
	t.Helper()
	if err := l.Apply(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func players(n int64) driver.Command { return driver.Command{Type: driver.SetPlayers, Players: n} }

var stop = driver.Command{Type: driver.Stop}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-late:
			t.Fatalf("not in %v: %s", patience, what)
		case <-again.C:
		}
	}
}

func TestUsersHaveOneRequestEach(t *testing.T) {
	hold := make(chan struct{})
	g := newTarget(t, hold)
	l := newLoad(t, Options{Target: g.URL})
	l.do(t, players(5))
	eventually(t, "5 requests", func() bool { return g.inside.Load() == 5 })
	close(hold)
	eventually(t, "many requests", func() bool { return g.served.Load() > 200 })
	if peak := g.peak.Load(); peak != 5 {
		t.Errorf("%d at once, want 5", peak)
	}
	l.do(t, players(2))
	eventually(t, "2 players", func() bool { return l.State().Players == 2 })
	eventually(t, "2 at once", func() bool { return g.inside.Load() <= 2 })
	if m := l.Metrics(); m["rps"] <= 0 || m["errors_per_s"] != 0 || m["latency_p99_ms"] < m["latency_p50_ms"] ||
		m["latency_p50_ms"] <= 0 {
		t.Errorf("metrics %v", m)
	}
}

// started counts the requests that are sent to the target. The target itself may see a request later, although it was
// cut off.
type started struct {
	next http.RoundTripper
	n    atomic.Int64
}

func (s *started) RoundTrip(r *http.Request) (*http.Response, error) {
	s.n.Add(1)
	return s.next.RoundTrip(r)
}

// TestNoRequestStartsAfterAStop repeatedly stops a running load.
func TestNoRequestStartsAfterAStop(t *testing.T) {
	for _, rate := range []bool{false, true} {
		g := newTarget(t, nil)
		l := newLoad(t, Options{Target: g.URL, Rate: rate})
		sent := &started{next: l.gate.next}
		l.gate.next = sent
		for range 10 {
			before := g.served.Load()
			l.do(t, players(200))
			eventually(t, "load", func() bool { return g.served.Load() > before+10 })
			l.do(t, stop)
			after := sent.n.Load()
			if s := l.State(); s.Players != 0 || s.Running || l.gate.inFlight() != 0 {
				t.Fatalf("after the Stop: %+v, %d in flight", s, l.gate.inFlight())
			}
			<-time.After(20 * time.Millisecond)
			if n := sent.n.Load() - after; n > 0 {
				t.Errorf("rate %t: %d requests after the Stop", rate, n)
			}
		}
		if m := l.Metrics(); m["errors_per_s"] != 0 {
			t.Errorf("rate %t: cut-off requests count as errors: %v", rate, m)
		}
	}
}

func TestAStopCutsOffASlowTarget(t *testing.T) {
	g := newTarget(t, make(chan struct{}))
	l := newLoad(t, Options{Target: g.URL})
	l.do(t, players(10))
	eventually(t, "10 requests", func() bool { return g.inside.Load() == 10 })
	l.do(t, stop)
	eventually(t, "no request", func() bool { return g.inside.Load() == 0 })
	if g.served.Load() != 10 {
		t.Errorf("%d requests, want 10", g.served.Load())
	}
}

func TestRate(t *testing.T) {
	g := newTarget(t, nil)
	l := newLoad(t, Options{Target: g.URL, Rate: true})
	l.do(t, players(100))
	began, from := time.Now(), g.served.Load()
	base := ticks(100, 10*time.Millisecond)
	eventually(t, "100 requests", func() bool { return g.served.Load()-from >= 100 })
	if took := time.Since(began); took < 700*time.Millisecond || took > 5*<-base {
		t.Errorf("100 requests at 100 per second took %v", took)
	}
	l.do(t, players(0))
	eventually(t, "no players", func() bool { return !l.State().Running })
}

// ticks measures how long a ticker takes for n ticks on this machine at the same time.
func ticks(n int, every time.Duration) <-chan time.Duration {
	took := make(chan time.Duration, 1)
	go func() {
		began, ticker := time.Now(), time.NewTicker(every)
		defer ticker.Stop()
		for range n {
			<-ticker.C
		}
		took <- time.Since(began)
	}()
	return took
}

func TestErrorsAreCounted(t *testing.T) {
	g := newTarget(t, nil)
	l := newLoad(t, Options{Target: g.URL})
	g.Close()
	l.do(t, players(1))
	eventually(t, "errors", func() bool { return l.Metrics()["errors_per_s"] > 0 })
}

func TestWhatIsRequested(t *testing.T) {
	g := newTarget(t, nil)
	l := newLoad(t, Options{Target: g.URL + "/x?y=z", Method: "put", Header: []string{"X-A: b: c"}, Body: "text"})
	l.do(t, players(1))
	eventually(t, "a request", func() bool { return g.last.Load() != nil })
	r := g.last.Load()
	if r.Method != "PUT" || r.URL.String() != "/x?y=z" || r.Header.Get("X-A") != "b: c" || r.ContentLength != 4 {
		t.Errorf("%s %s %v", r.Method, r.URL, r.Header)
	}
	for _, bad := range []Options{
		{Target: "localhost:80"}, {Target: "ftp://x"}, {Target: g.URL, Header: []string{"no colon"}},
		{Target: g.URL, Body: "@/does/not/exist"}, {Target: g.URL, Method: "G T"},
	} {
		if _, err := New(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestInsecure(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	l := newLoad(t, Options{Target: server.URL, Insecure: true})
	l.do(t, players(1))
	// 404s
	eventually(t, "answers", func() bool { m := l.Metrics(); return m["rps"] > 0 && m["errors_per_s"] == m["rps"] })
}

func TestMeterSlides(t *testing.T) {
	at := time.Now()
	m := newMeter(at)
	for range 100 { // 100 s with 10 results per second of 10 ms each, one of them failed
		for i := range 10 {
			m.count(at, 10*time.Millisecond, i == 0)
		}
		at = at.Add(time.Second)
	}
	f := m.figures(at.Add(-time.Nanosecond))
	for name, want := range map[string]float64{"rps": 10, "errors_per_s": 1, "latency_p50_ms": 10,
		"latency_p99_ms": 10} {
		if math.Abs(f[name]-want) > 0.02 {
			t.Errorf("%s is %v, want %v", name, f[name], want)
		}
	}
	m.count(at, 24*time.Hour, false)
	if p99 := m.figures(at)["latency_p99_ms"]; p99 < maxLatency.Seconds()*999 {
		t.Errorf("p99 of a day is %v ms", p99)
	}
	f = m.figures(at.Add(time.Minute))
	if _, ok := f["latency_p50_ms"]; ok || f["rps"] != 0 {
		t.Errorf("after a quiet minute: %v", f)
	}
}

func TestRatePacerDoesNotComeAsAWave(t *testing.T) {
	r := newRate()
	defer r.close()
	r.add(1000)
	now := time.Now()
	r.hit(now, 1000)
	if r.wait(now) != time.Millisecond {
		t.Errorf("the next hit is due in %v", r.wait(now))
	}
	now = now.Add(time.Minute) // the load paused
	hits := 0
	for ; r.wait(now) == 0; hits++ {
		r.hit(now, 1000)
	}
	if hits > 101 {
		t.Errorf("%d hits at once", hits)
	}
}
