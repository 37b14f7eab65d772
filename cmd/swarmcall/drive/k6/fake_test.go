package k6

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/drive/proc"
)

func TestMain(m *testing.M) {
	proc.GuardIfAsked()
	goleak.VerifyTestMain(m)
}

// fake is k6's API with its quirks: one change after the other, a refusal above vus-max, and no live control without the executor.
type fake struct {
	*httptest.Server
	fixed bool          // the script has another executor
	slow  chan struct{} // not nil: a PATCH takes until it is closed

	patching sync.Mutex
	mu       sync.Mutex
	status   status
	told     []int64 // VUs of each PATCH
	at       []time.Time
	reqs     float64
}

func newFake(t *testing.T) *fake {
	f := &fake{status: status{VUsMax: 1, Running: true}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, _ *http.Request) { f.tell(w) })
	mux.HandleFunc("GET /v1/metrics", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		_, _ = fmt.Fprintf(w, `{"data":[{"id":"http_reqs","attributes":{"sample":{"count":%v,"rate":1}}},`+
			`{"id":"http_req_failed","attributes":{"sample":{"rate":0.5}}},`+
			`{"id":"http_req_duration","attributes":{"sample":{"med":3,"p(95)":9}}}]}`, f.reqs)
	})
	mux.HandleFunc("PATCH /v1/status", f.patch)
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) tell(w http.ResponseWriter) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{"type": "status", "id": "default", "attributes": f.status}})
}

func (f *fake) patch(w http.ResponseWriter, r *http.Request) {
	f.patching.Lock()
	defer f.patching.Unlock()
	var e envelope[resource[change]]
	if err := json.NewDecoder(r.Body).Decode(&e); err != nil {
		f.refuse(w, 400, "Invalid data", err.Error())
		return
	}
	if f.slow != nil {
		select {
		case <-f.slow:
		case <-r.Context().Done():
			return
		}
	}
	if f.take(w, e.Data.Attributes) {
		f.tell(w)
	}
}

func (f *fake) take(w http.ResponseWriter, c change) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if c.VUs != nil && f.fixed {
		f.refuse(w, 500, "Execution config error", "an externally-controlled executor needs to be configured for live configuration updates")
		return false
	}
	limit := f.status.VUsMax
	if c.VUsMax != nil {
		limit = *c.VUsMax
	}
	if c.VUs != nil && *c.VUs > limit {
		f.refuse(w, 400, "Config update error", "the number of active VUs must be less than or equal to the number of maxVUs")
		return false
	}
	if c.VUs != nil {
		f.status.VUs = *c.VUs
		f.told, f.at = append(f.told, *c.VUs), append(f.at, time.Now())
	}
	if c.Paused != nil {
		f.status.Paused = *c.Paused
	}
	f.status.VUsMax = limit
	return true
}

func (f *fake) refuse(w http.ResponseWriter, code int, title, detail string) {
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": []map[string]string{{"status": fmt.Sprint(code), "title": title, "detail": detail}}})
}

func (f *fake) steps() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]int64(nil), f.told...)
}

func (f *fake) set(change func(*status)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.status)
}
