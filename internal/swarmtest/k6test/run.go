package k6test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// Scenario is the part of a script's options that says what runs.
type Scenario struct {
	Executor    string
	VUs, MaxVUs int64
}

// Controlled is the executor whose VUs can be changed while it runs.
const Controlled = "externally-controlled"

// Status is the answer of GET /v1/status.
type Status struct {
	Status  int   `json:"status"`
	Paused  bool  `json:"paused"`
	VUs     int64 `json:"vus"`
	VUsMax  int64 `json:"vus-max"`
	Stopped bool  `json:"stopped"`
	Running bool  `json:"running"`
	Tainted bool  `json:"tainted"`
}

const (
	statusStarting = 4 // started paused
	statusRunning  = 7
)

// Figures are the measurements that the fake reports.
type Figures struct{ Requests, FailedRate, Median, P95 float64 }

// Run is a run of the fake, as in its REST API. Set the hooks before it serves.
type Run struct {
	Measured func() Figures  // nil: all 0
	Changed  func(vus int64) // called with the number of running VUs after each change; may be nil
	// Before is called before a change, with the requested VUs; if it returns false, there is no answer.
	Before func(r *http.Request, vus *int64) bool

	scenario Scenario
	stopped  chan struct{}
	patching sync.Mutex // one change after the other

	mu        sync.Mutex
	vus       int64 // wanted; 0 run while it is paused
	max       int64
	paused    bool
	begun     bool // has run: the first start is done
	isStopped bool
	shown     *int64 // a number of VUs that a test reports instead
}

// NewRun starts a run.
func NewRun(s Scenario, paused bool) *Run {
	return &Run{
		scenario: s, vus: s.VUs, max: max(s.MaxVUs, s.VUs),
		paused: paused, begun: !paused, stopped: make(chan struct{}),
	}
}

// Stopped is closed when a client has stopped the run.
func (r *Run) Stopped() <-chan struct{} { return r.stopped }

// SetScenario replaces the scenario, so that a test can make the k6 refuse from now on.
func (r *Run) SetScenario(s Scenario) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scenario = s
}

// Show makes the status report this many running VUs, until the next change.
func (r *Run) Show(vus int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.shown = &vus
}

// Stop ends the run, as a client does by the API.
func (r *Run) Stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isStopped {
		r.isStopped = true
		close(r.stopped)
	}
}

// Status returns the status as in the API.
func (r *Run) Status() Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Status{
		Status: statusRunning, Running: r.begun, Paused: r.paused, Stopped: r.isStopped,
		VUs: r.vus, VUsMax: r.max,
	}
	if r.paused {
		s.VUs = 0
	}
	if !r.begun {
		s.Status = statusStarting
	}
	if r.shown != nil {
		s.VUs = *r.shown
	}
	return s
}

func (r *Run) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	switch req.Method + " " + req.URL.Path {
	case "GET /v1/status":
		r.tell(w)
	case "PATCH /v1/status":
		r.patch(w, req)
	case "GET /v1/metrics":
		answerAs(w, http.StatusOK, "text/plain; charset=utf-8", r.metrics())
	default:
		if req.URL.Path == "/v1/status" || req.URL.Path == "/v1/metrics" {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		http.NotFound(w, req)
	}
}

type resource[A any] struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes A      `json:"attributes"`
}

func (r *Run) tell(w http.ResponseWriter) {
	answer(w, http.StatusOK, map[string]any{"data": resource[Status]{"status", "default", r.Status()}})
}

// problem is an error answer.
type problem struct {
	Status string `json:"status"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

func refuse(w http.ResponseWriter, code int, title, detail string) {
	answer(w, code, map[string]any{"errors": []problem{{fmt.Sprint(code), title, detail}}})
}

func answer(w http.ResponseWriter, code int, body any) {
	answerAs(w, code, "application/json; charset=utf-8", body)
}

func answerAs(w http.ResponseWriter, code int, kind string, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(text)
}

// change is the content of a PATCH.
type change struct {
	VUs     *int64 `json:"vus"`
	VUsMax  *int64 `json:"vus-max"`
	Paused  *bool  `json:"paused"`
	Stopped bool   `json:"stopped"`
}

func (r *Run) patch(w http.ResponseWriter, req *http.Request) {
	r.patching.Lock()
	defer r.patching.Unlock()
	var body struct{ Data resource[change] }
	text, err := io.ReadAll(req.Body)
	if err == nil {
		err = json.Unmarshal(text, &body)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "Invalid data", err.Error())
		return
	}
	c := body.Data.Attributes
	if r.Before != nil && !r.Before(req, c.VUs) {
		return
	}
	if c.Stopped {
		r.Stop()
		r.tell(w)
		return
	}
	if !r.pause(w, c) || !r.scale(w, c) {
		return
	}
	if r.Changed != nil {
		r.Changed(r.Status().VUs)
	}
	r.tell(w)
	r.begin()
}

// begin starts a run that was started paused, once it is no longer paused: after the answer.
func (r *Run) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = r.begun || !r.paused
}

// pause pauses or resumes; k6 does so before it handles the VUs of the same change.
func (r *Run) pause(w http.ResponseWriter, c change) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.Paused == nil {
		return true
	}
	if r.scenario.Executor != Controlled && r.begun {
		refuse(w, http.StatusInternalServerError, "Pause error", r.scenario.Executor+
			" executor 'default' doesn't support pause and resume operations after its start")
		return false
	}
	r.paused, r.shown = *c.Paused, nil
	return true
}

func (r *Run) scale(w http.ResponseWriter, c change) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.VUs == nil && c.VUsMax == nil {
		return true
	}
	if r.scenario.Executor != Controlled {
		refuse(w, http.StatusInternalServerError, "Execution config error",
			"an externally-controlled executor needs to be configured for live configuration updates")
		return false
	}
	vus, most := r.vus, r.max
	if c.VUs != nil {
		vus = *c.VUs
	}
	if c.VUsMax != nil {
		most = *c.VUsMax
	}
	var detail string
	switch {
	case vus < 0:
		detail = "invalid configuration supplied: the number of VUs can't be negative"
	case vus > most:
		detail = fmt.Sprintf("invalid configuration supplied: "+
			"the number of active VUs (%d) must be less than or equal to the number of maxVUs (%d)", vus, most)
	case most < r.scenario.MaxVUs:
		detail = fmt.Sprintf("the new number of max VUs cannot be lower than "+
			"the starting number of max VUs (%d)", r.scenario.MaxVUs)
	}
	if detail != "" {
		refuse(w, http.StatusBadRequest, "Config update error", detail)
		return false
	}
	r.vus, r.max, r.shown = vus, most, nil
	return true
}

type metric struct {
	Type       string `json:"type"`
	ID         string `json:"id"`
	Attributes struct {
		Type     string             `json:"type"`
		Contains string             `json:"contains"`
		Tainted  *bool              `json:"tainted"`
		Sample   map[string]float64 `json:"sample"`
	} `json:"attributes"`
}

// metrics returns the recorded metrics, with the figures of this run if it measures any.
func (r *Run) metrics() any {
	var m struct {
		Data []metric `json:"data"`
	}
	if err := json.Unmarshal([]byte(answered("GET /v1/metrics")), &m); err != nil {
		panic(err)
	}
	if r.Measured == nil {
		return m
	}
	f := r.Measured()
	for _, d := range m.Data {
		switch s := d.Attributes.Sample; d.ID {
		case "http_reqs":
			s["count"] = f.Requests
		case "http_req_failed":
			s["rate"] = f.FailedRate
		case "http_req_duration":
			s["med"], s["p(95)"] = f.Median, f.P95
		}
	}
	return m
}
