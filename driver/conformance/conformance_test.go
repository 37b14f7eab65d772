package conformance_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/conformance"
	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
	"github.com/swarmcall/swarmcall/driver/internal/wiretest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// process is a driver in this process.
type process struct {
	leave, kill context.CancelFunc
	done        chan struct{}
}

func (p *process) Leave()                { p.leave() }
func (p *process) Kill()                 { p.kill() }
func (p *process) Done() <-chan struct{} { return p.done }

// starter starts drivers of the SDK with a ramp.
func starter(t *testing.T, network *memnet.Listener, cfg driver.Config) func() (conformance.Process, error) {
	return func() (conformance.Process, error) {
		transport := &http.Transport{DialContext: network.Dial}
		ramp := driver.NewRamp(20*time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
		cfg.URL, cfg.DriverID, cfg.HTTPClient = "http://swarmcall.test", "d-1", &http.Client{Transport: transport}
		cfg.State = ramp.State
		ctx, leave := context.WithCancel(t.Context())
		p := &process{leave: leave, kill: leave, done: make(chan struct{})}
		go func() {
			defer close(p.done)
			defer transport.CloseIdleConnections()
			defer ramp.Close()
			_ = driver.Run(ctx, cfg, ramp) // the kit checks how it ends
		}()
		return p, nil
	}
}

func TestTheSDKPasses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		var transcript strings.Builder
		report, err := conformance.Check(t.Context(), conformance.Options{
			Listener: network, Start: starter(t, network, driver.Config{}), Transcript: &transcript,
			Progress: func(s string) { t.Log(s) },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("\n%s", report)
		if !report.OK() {
			t.Errorf("the SDK fails; transcript:\n%s", transcript.String())
		}
		for _, r := range report.Results {
			if r.Status != conformance.Pass && r.Duty != conformance.LocalLimits {
				t.Errorf("D%d %s: %s: %s", r.Duty, r.Duty.Title(), r.Status, r.Why)
			}
		}
		framesFit(t, transcript.String())
	})
}

// framesFit checks every frame of a transcript against its schema, except those that the kit makes invalid on purpose.
func framesFit(t *testing.T, transcript string) {
	t.Helper()
	checked := 0
	for text := range strings.Lines(transcript) {
		var line struct {
			From  string
			Frame json.RawMessage
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if line.Frame == nil || line.From == "server" && strings.Contains(text, `"x_`) ||
			strings.Contains(text, `{"type":"set_players"}`) {
			continue
		}
		checked++
		if err := wiretest.Check(line.Frame); err != nil {
			t.Errorf("the %s sent %s: %v", line.From, line.Frame, err)
		}
	}
	if checked < 100 {
		t.Errorf("%d frames were checked", checked)
	}
}

// TestByHand: the test starts the driver itself, and ends it when the kit asks for that.
func TestByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		p, err := starter(t, network, driver.Config{})()
		if err != nil {
			t.Fatal(err)
		}
		report, err := conformance.Check(t.Context(), conformance.Options{
			Listener: network, DriverID: "d-1",
			Progress: func(s string) {
				if strings.HasPrefix(s, "end the driver now") {
					p.Leave()
				}
			},
		})
		<-p.Done()
		if err != nil || !report.OK() || report.Of(conformance.Leave).Status != conformance.Pass {
			t.Errorf("%v\n%s", err, report)
		}
	})
}

// TestTheDriverIsNotEnded: if nobody ends the driver, Leave is not tried, and the report is still OK.
func TestTheDriverIsNotEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		p, err := starter(t, network, driver.Config{})()
		if err != nil {
			t.Fatal(err)
		}
		report, err := conformance.Check(t.Context(), conformance.Options{Listener: network})
		p.Kill()
		<-p.Done()
		if err != nil || !report.OK() || report.Of(conformance.Leave).Status != conformance.NotTried {
			t.Errorf("%v\n%s", err, report)
		}
	})
}
