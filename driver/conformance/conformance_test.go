package conformance_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/conformance"
	"github.com/swarmcall/swarmcall/driver/internal/memnet"
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
			_ = driver.Run(ctx, cfg, ramp) // how it ends is for the kit to see
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
	})
}
