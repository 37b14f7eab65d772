package locust

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

func TestMain(m *testing.M) {
	proc.RunGuardIfRequested()
	goleak.VerifyTestMain(m)
}

// fake imitates Locust's web API: /swarm answers success first, and begin carries it out afterwards.
type fake struct {
	*httptest.Server
	page  func(view) string
	begin func(users int64) // carries out a /swarm
	hang  chan struct{}     // not nil: /stop does nothing until it is closed

	mu      sync.Mutex
	view    view
	message string
	refuse  bool
	swarms  []string
	stops   int
}

func newFake(t *testing.T) *fake {
	f := &fake{page: oldPage, view: view{State: "ready"}, message: "Swarming started"}
	f.begin = func(users int64) { f.set(func(v *view) { v.State, v.Users = "running", users }) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, f.page(f.now())) })
	mux.HandleFunc("POST /swarm", f.swarm)
	mux.HandleFunc("GET /stop", f.stop)
	mux.HandleFunc("GET /stats/requests", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"state":"ready","user_count":0,"total_rps":7.5,`+
			`"current_response_time_percentile_50":3,"current_response_time_percentile_95":null,`+
			`"stats":[{"name":"/"},{"name":"Aggregated","current_fail_per_sec":0.5}]}`)
	})
	f.Server = httptest.NewServer(mux)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) swarm(w http.ResponseWriter, r *http.Request) {
	var users int64
	_, _ = fmt.Sscan(r.FormValue("user_count"), &users)
	f.mu.Lock()
	f.swarms = append(f.swarms, r.FormValue("user_count")+" at "+r.FormValue("spawn_rate"))
	said := answer{!f.refuse, f.message}
	f.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"success": said.Success, "message": said.Message, "host": nil})
	if said.Success {
		f.begin(users)
	}
}

func (f *fake) stop(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.stops++
	f.mu.Unlock()
	if f.hang != nil {
		select {
		case <-f.hang:
		case <-r.Context().Done():
			return
		}
	}
	f.set(func(v *view) { v.State, v.Users = "stopped", 0 })
	_, _ = fmt.Fprint(w, `{"success":true,"message":"Test stopped"}`)
}

func (f *fake) set(change func(*view)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.view)
}

func (f *fake) now() view {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.view
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]string(nil), f.swarms...)
}

func (f *fake) stopped() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stops
}

// oldPage is the page of Locust 2.12, newPage that of 2.30.
func oldPage(v view) string {
	page := fmt.Sprintf("<body class=\"%s\">\n<span id=\"userCount\">%d</span> users\n", v.State, v.Users)
	if v.Distributed {
		page += fmt.Sprintf("<div class=\"value\" id=\"workerCount\">%d</div>\n", v.Workers)
	}
	return page
}

func newPage(v view) string {
	return fmt.Sprintf(`<body><script>window.templateArgs = {"state": "%s", "user_count": %d, "is_distributed": %t, "worker_count": %d}</script>`,
		v.State, v.Users, v.Distributed, v.Workers)
}
