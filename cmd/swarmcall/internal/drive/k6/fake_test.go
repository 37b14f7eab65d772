package k6

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/internal/swarmtest/k6test"
)

func TestMain(m *testing.M) {
	proc.RunGuardIfRequested()
	goleak.VerifyTestMain(m)
}

// fake is the API of a running fake k6, and records the changes that it receives.
type fake struct {
	*httptest.Server
	run  *k6test.Run
	slow chan struct{} // not nil: a change takes until it is closed

	mu   sync.Mutex
	told []int64 // VUs of each change
	reqs float64
}

var (
	fixed      = k6test.Scenario{Executor: "constant-vus", VUs: 1, MaxVUs: 1}
	controlled = k6test.Scenario{Executor: k6test.Controlled, MaxVUs: 1}
)

func newFake(t *testing.T) *fake { return newFakeOf(t, controlled) }

func newFakeOf(t *testing.T, s k6test.Scenario) *fake {
	f := &fake{run: k6test.NewRun(s, false)}
	f.run.Measured = func() k6test.Figures {
		f.mu.Lock()
		defer f.mu.Unlock()
		return k6test.Figures{Requests: f.reqs, FailedRate: 0.5, Median: 3, P95: 9}
	}
	f.run.Before = func(r *http.Request, vus *int64) bool {
		if f.slow != nil {
			select {
			case <-f.slow:
			case <-r.Context().Done():
				return false
			}
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if vus != nil {
			f.told = append(f.told, *vus)
		}
		return true
	}
	f.Server = httptest.NewServer(f.run)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) steps() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.told)
}
