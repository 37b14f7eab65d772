package drive

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/drivertest"
	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a generator that applies commands with the SDK's ramp.
type fake struct {
	*driver.Ramp
	ended chan struct{}
	err   error
	hold  chan struct{} // not nil: Apply waits for it or for the end of its context
}

func newFake(delay time.Duration) *fake {
	return &fake{Ramp: driver.NewRamp(delay, func(ctx context.Context) { <-ctx.Done() }), ended: make(chan struct{})}
}

func (f *fake) Apply(ctx context.Context, c driver.Command) error {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return f.Ramp.Apply(ctx, c)
}

func (f *fake) Metrics() map[string]float64 { return map[string]float64{"rps": 5} }
func (f *fake) Ended() <-chan struct{}      { return f.ended }
func (f *fake) Err() error                  { return f.err }

func (f *fake) end(err error) {
	f.err = err
	close(f.ended)
}

// started is a running driver.
type started struct {
	*drivertest.Driver
	stop context.CancelCauseFunc
	end  chan error
	out  *bytes.Buffer // read it after end
}

func start(t *testing.T, g Generator) *started {
	server := drivertest.NewServer(t)
	ctx, stop := context.WithCancelCause(t.Context())
	s := &started{stop: stop, end: make(chan error, 1), out: new(bytes.Buffer)}
	o := Options{URL: server.URL, HTTPClient: server.Client(), Labels: map[string]string{"a": "b"},
		Linger:     5 * time.Second,
		MaxPlayers: 1000, Weight: 2.5, Out: s.out, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	go func() { s.end <- Run(ctx, o, g) }()
	s.Driver = server.Driver()
	return s
}

// evidence is an error with details.
type evidence struct{ error }

func (evidence) Seen() []string { return []string{"last words"} }

func TestTheLoadIsAtZeroBeforeTheDriverLeaves(t *testing.T) {
	for name, tc := range map[string]struct {
		cause error
		code  clierr.Code
	}{
		"SIGTERM": {errors.New("terminated signal received"), clierr.OK},
		"SIGINT":  {errors.New("interrupt signal received"), clierr.Interrupted},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := newFake(0)
				d := start(t, g)
				d.SetPlayers(7).WantApplied(t)
				d.WantPlayers(7)
				d.stop(tc.cause)
				if left := d.Left(); left.Reason != "ended by its operator" || g.State().Players != 0 {
					t.Errorf("left %+v with %+v", left, g.State())
				}
				if code := clierr.CodeOf(<-d.end); code != tc.code {
					t.Errorf("code %d, want %d", code, tc.code)
				}
			})
		})
	}
}

func TestADriverWhoseGeneratorEndedReportsItAndDeregisters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newFake(0)
		d := start(t, g)
		d.SetPlayers(7).WantApplied(t)
		d.WantPlayers(7)
		g.hold = make(chan struct{})
		seq := d.Send(wire.Command{Type: string(driver.SetPlayers), Players: new(int64(8))})
		synctest.Wait()
		g.end(evidence{errors.New("k6 ended with exit status 107")})
		ack := d.Ack(seq) // the generator ended during the command
		ack.WantRejected(t, codeEnded)
		if ack.Detail != "k6 ended with exit status 107" {
			t.Errorf("detail %q", ack.Detail)
		}
		d.SetPlayers(9).WantRejected(t, codeEnded)
		d.Stop().WantApplied(t) // no load runs, so the Stop succeeds
		d.WantPlayers(0)
		if left := d.Left(); left.Reason != "k6 ended with exit status 107" {
			t.Errorf("left: %q", left.Reason)
		}
		text := clierr.Text(<-d.end)
		if !strings.Contains(text, "exit status 107") || !strings.Contains(text, "last words") {
			t.Error(text)
		}
	})
}

func TestRegisters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newFake(0))
		host, _ := os.Hostname()
		if r := d.Register; r.Labels["a"] != "b" || r.Weight == nil || *r.Weight != 2.5 || r.MaxPlayers != 1000 ||
			!strings.HasPrefix(r.DriverID, defaultID(host, "")) {
			t.Errorf("registered as %+v", r)
		}
		d.SetPlayers(1001).WantRejected(t, "over_local_limit")
		d.stop(nil)
		if err := <-d.end; err != nil {
			t.Error(err)
		}
	})
}

func TestRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newFake(0))
		d.Close(wire.CloseSuperseded)
		if text := clierr.Text(<-d.end); !strings.Contains(text, "--driver-id") {
			t.Error(text)
		}
	})
	unauthorized := Refused("http://x", &driver.HandshakeError{Status: 401, Code: "unauthenticated"})
	if clierr.CodeOf(unauthorized) != clierr.Auth {
		t.Error(unauthorized)
	}
}

func TestDefaultID(t *testing.T) {
	for host, want := range map[string]string{
		"box.example.org": "box.example.org-abcdef", "": "driver-abcdef", "--ü": "driver-abcdef",
		"my host":                "my-host-abcdef",
		strings.Repeat("x", 300): strings.Repeat("x", 100) + "-abcdef",
	} {
		if got := defaultID(host, "ABCDEFGH"); got != want {
			t.Errorf("of %q: %q, want %q", host, got, want)
		}
	}
}

func TestProgressInAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := start(t, newFake(0))
		d.WantPlayers(0)
		d.SetPlayers(3).WantApplied(t)
		<-time.After(25 * time.Second) // fake time: two quiet periods and a bit
		d.stop(nil)
		if err := <-d.end; err != nil {
			t.Error(err)
		}
		lines := strings.Split(strings.TrimSpace(d.out.String()), "\n")
		if len(lines) < 4 || len(lines) > 8 {
			t.Errorf("%d lines:\n%s", len(lines), d.out)
		}
		const line = `"connected":true,"players":3,"spawn_delay_ms":0,"running":true,"metrics":{"rps":5}`
		if !strings.Contains(d.out.String(), line) {
			t.Errorf("no line tells of 3 players:\n%s", d.out)
		}
	})
}

func TestProgressForPeople(t *testing.T) {
	for want, tc := range map[string]struct {
		line   line
		wanted int64
	}{
		"locust-1 connected, 20/20 players, 95 req/s, 0 errors": {
			line{DriverID: "locust-1", Connected: true, Players: 20, Metrics: map[string]float64{"rps": 95,
				"errors_per_s": 0}}, 20},
		"d-1 not connected to http://s, 5/8 players, 95.1 req/s, 0.25 errors/s, p95 12.5 ms, a 1, b 2e-05, c 1234567": {
			line{DriverID: "d-1", Players: 5, Metrics: map[string]float64{
				"rps": 95.12, "errors_per_s": 0.25, "latency_p95_ms": 12.5, "a": 1, "b": 2e-5, "c": 1234567.2,
				"d": 4}}, 8},
		"d-1 connected, 0 players":             {line{DriverID: "d-1", Connected: true}, -1},
		"d-1 connected to http://b, 0 players": {line{DriverID: "d-1", Connected: true, URL: "http://b"}, -1},
	} {
		if got := tc.line.text("http://s", tc.wanted); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// TestWantedPlayers checks that the wanted players are those of the last accepted command.
func TestWantedPlayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuarded(newFake(0))
		defer g.Close()
		if g.wanted() >= 0 {
			t.Errorf("%d before any command", g.wanted())
		}
		for _, c := range []driver.Command{
			{Type: driver.SetPlayers, Players: 7}, {Type: driver.SetSpawnDelay, SpawnDelayMS: 5}, {Type: "dance"},
		} {
			_ = g.Apply(t.Context(), c)
			if g.wanted() != 7 {
				t.Errorf("%d after %+v", g.wanted(), c)
			}
		}
		_ = g.Apply(t.Context(), driver.Command{Type: driver.Stop})
		if g.wanted() != 0 {
			t.Errorf("%d after the Stop", g.wanted())
		}
	})
}
