package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/command"
)

// fakeSwarm is a server and its drivers, as far as a plan sees them. Active drivers apply a command at once.
type fakeSwarm struct {
	t  *testing.T
	mu sync.Mutex

	drivers map[string]*fakeDriver
	entries []*fakeEntry
	older   bool // it is of the previous release
	down    bool
	dryRuns int
	posted  int                                    // POST requests, answered or not
	looks   int                                    // requests for the state of the drivers
	logs    bool                                   // it logs a stop that matches no driver
	restart bool                                   // it was restarted while a command was open
	full    bool                                   // its log accepts nothing
	sent    func(format string, args ...any)       // receives what the plan sends; may be nil
	steps   []report.Step                          // of the last run
	before  func(s *fakeSwarm, e *fakeEntry) error // is called for each command of the plan, under the lock
	token   string                                 // whose token the plan uses; it then names no submitter
}

type fakeDriver struct {
	state   string // active, stale, disconnected; "left" once it has deregistered; "" once the server has forgotten it
	mute    bool   // it does not ack
	taken   bool   // another submitter's newer command is in force for it; no conditional command replaces it
	applied int64
	players int64
}

type fakeEntry struct {
	Seq       int64             `json:"seq"`
	Submitter string            `json:"submitter"`
	Command   remote.Command    `json:"command"`
	Target    remote.Target     `json:"target"`
	IfSeq     *int64            `json:"if_seq"`
	DryRun    bool              `json:"dry_run,omitempty"`
	Least     int               `json:"min_drivers,omitempty"`
	Targets   []string          `json:"-"`
	LeftOut   map[string]string `json:"-"`
	Acked     map[string]bool   `json:"-"`
	Cause     string            `json:"cause,omitempty"`
}

// newSwarm returns a swarm with n active drivers, d-01 and so on.
func newSwarm(t *testing.T, n int) *fakeSwarm {
	s := &fakeSwarm{t: t, drivers: map[string]*fakeDriver{}}
	for i := range n {
		s.drivers[fmt.Sprintf("d-%02d", i+1)] = &fakeDriver{state: "active"}
	}
	return s
}

// run runs a plan against s, and returns what it printed.
func (s *fakeSwarm) run(text string) (said string, err error) {
	s.t.Helper()
	p, err := Parse([]byte(text))
	if err != nil {
		s.t.Fatal(err)
	}
	c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: s, Patience: remote.Patience{For: time.Minute}})
	if err != nil {
		s.t.Fatal(err)
	}
	var b strings.Builder
	r := Runner{Plan: p, Server: c, Line: console.NewLine(&b), Submitter: "ci", ID: "run-x"}
	if s.token != "" {
		r.Submitter = ""
	}
	s.steps, err = r.Run(s.t.Context())
	return b.String(), err
}

// be sets the state of a driver. The caller holds the lock.
func (s *fakeSwarm) be(state, id string) {
	d := s.drivers[id]
	if d.state = state; state == "active" {
		s.settle(id)
	}
}

func (s *fakeSwarm) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.posted
}

func (s *fakeSwarm) away(down bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = down
}

// other sends a stop of another submitter to these drivers; without ids, to all.
func (s *fakeSwarm) other(ids ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issue(
		&fakeEntry{
			Submitter: "ops/alice",
			Command:   remote.Command{Type: "stop"},
			Target:    remote.Target{DriverIDs: ids},
		},
	)
}

// known reports whether the driver is in the roster.
func (d *fakeDriver) known() bool { return d.state != "" && d.state != "left" }

func (e *fakeEntry) matches(id string) bool {
	return len(e.Target.DriverIDs) == 0 || slices.Contains(e.Target.DriverIDs, id)
}

// desired returns the newest load command that matches a driver.
func (s *fakeSwarm) desired(id string) *fakeEntry {
	for _, e := range slices.Backward(s.entries) {
		if e.Command.Type != "set_spawn_delay_ms" && e.matches(id) && e.LeftOut[id] != "other_run" {
			return e
		}
	}
	return nil
}

// settle makes a driver apply the desired load.
func (s *fakeSwarm) settle(id string) {
	if d, e := s.drivers[id], s.desired(id); e != nil && !d.mute && d.applied < e.Seq {
		d.applied, d.players = e.Seq, 0
		switch c := e.Command; {
		case c.Type != command.SetPlayers:
		case !c.Total:
			d.players = c.Value
		case slices.Contains(e.Targets, id):
			d.players = c.Value / int64(len(e.Targets))
		}
	}
}

func (s *fakeSwarm) issue(e *fakeEntry) {
	e.Seq, e.LeftOut, e.Acked = int64(len(s.entries)+1)*10, map[string]string{}, map[string]bool{}
	s.entries = append(s.entries, e)
	for _, id := range slices.Sorted(maps.Keys(s.drivers)) {
		d := s.drivers[id]
		switch {
		case !e.matches(id) || !d.known():
		case d.taken:
			e.LeftOut[id] = "other_run"
		case d.state == "active":
			e.Targets = append(e.Targets, id)
			if !d.mute {
				e.Acked[id] = true
			}
		default:
			e.LeftOut[id] = d.state
		}
	}
	for _, id := range e.Targets {
		s.settle(id)
	}
}

var errDown = errors.New("connection refused")

func (s *fakeSwarm) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method == http.MethodPost {
		s.posted++
	}
	if s.down {
		return nil, errDown
	}
	w := httptest.NewRecorder()
	path := r.URL.Path
	switch {
	case r.Method == http.MethodPost:
		s.post(w, r)
	case path == "/commands":
		s.list(w)
	case strings.HasPrefix(path, "/commands/"):
		seq, _ := strconv.ParseInt(path[len("/commands/"):], 10, 64)
		s.get(w, seq)
	case path == "/whoami" && s.older:
		refuse(w, 404, `{"code": "not_found"}`)
	case path == "/whoami" && s.token == "?":
		refuse(w, 401, `{"code": "unauthenticated"}`)
	case path == "/whoami":
		_, _ = fmt.Fprintf(w, `{"name": %q, "role": "controller", "scope": {}, "expires_at": null}`, s.token)
	case path == "/state":
		s.state(w)
	case path == "/drivers":
		s.roster(w, r.URL.Query().Get("state"))
	default:
		s.t.Errorf("nobody asks for %s", path)
	}
	return w.Result(), nil
}

func (s *fakeSwarm) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	e := &fakeEntry{}
	if err := json.Unmarshal(body, e); err != nil {
		s.t.Error(err)
	}
	if e.Submitter == "" {
		e.Submitter = s.token
	}
	if e.DryRun {
		s.dryRuns++
	}
	if e.DryRun && s.older {
		s.tell(e, " as a dry run: refused, not known")
		refuse(w, 422, `{"code": "invalid_command", "errors": [{"pointer": "/dry_run", "detail": "is not a member"}]}`)
		return
	}
	var err error
	if !e.DryRun && s.before != nil {
		err = s.before(s, e)
	}
	if !e.DryRun && (err != nil || s.full) {
		refuse(w, 503, `{"code": "log_unavailable"}`)
		return
	}
	if seq := s.newer(e); seq > 0 {
		s.tell(e, ": refused, entry %d is newer", seq)
		refuse(w, 412, fmt.Sprintf(`{"code": "newer_command", "seq": %d}`, seq))
		return
	}
	known, active := 0, 0
	for id, d := range s.drivers {
		if e.matches(id) && d.known() {
			known++
			if d.state == "active" {
				active++
			}
		}
	}
	if known == 0 && s.logs && !e.DryRun {
		s.issue(e)
		s.get(w, e.Seq)
		return
	}
	if known > 0 && active < e.Least {
		s.tell(e, ": refused, %d drivers are active", active)
		refuse(w, 409, fmt.Sprintf(`{"code": "not_enough_drivers", "have": %d, "want": %d, "detail": "too few"}`,
			active, e.Least))
		return
	}
	if known == 0 || active == 0 && e.Command.Type != "stop" {
		s.tell(e, ": refused, %d drivers are active", active)
		refuse(w, 409, `{"code": "no_active_drivers", "nothing_to_stop": true}`)
		return
	}
	if e.DryRun {
		_, _ = io.WriteString(w, `{"command": {"type": "stop"}, "targets": [], "left_out": [], "restrictions": []}`)
		return
	}
	s.issue(e)
	s.tell(e, " to %s", cmp.Or(strings.Join(e.Targets, " "), "nobody"))
	s.get(w, e.Seq)
}

// tell reports what the plan has sent, and the result. It leaves out dry runs, which are frequent, unless the server
// does not support them.
func (s *fakeSwarm) tell(e *fakeEntry, format string, args ...any) {
	if s.sent != nil && (!e.DryRun || s.older) {
		s.sent("→ %s%s", e.Command, fmt.Sprintf(format, args...))
	}
}

// newer returns the command, of any submitter, that is newer than the condition of e allows; 0 if there is none.
func (s *fakeSwarm) newer(e *fakeEntry) int64 {
	if e.IfSeq == nil {
		return 0
	}
	for _, o := range slices.Backward(s.entries) {
		if o.Seq <= *e.IfSeq {
			break
		}
		for id, d := range s.drivers {
			if d.known() && e.matches(id) && o.matches(id) && o.Command.Type != "set_spawn_delay_ms" {
				return o.Seq
			}
		}
	}
	return 0
}

func refuse(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"type": "urn:swarmcall:problem:x", `+body[1:])
}

func (s *fakeSwarm) list(w io.Writer) {
	_, _ = io.WriteString(w, `{"items": [`)
	if n := len(s.entries); n > 0 {
		_, _ = io.WriteString(w, s.document(s.entries[n-1]))
	}
	_, _ = io.WriteString(w, `], "next_cursor": null}`)
}

func (s *fakeSwarm) get(w http.ResponseWriter, seq int64) {
	i := slices.IndexFunc(s.entries, func(e *fakeEntry) bool { return e.Seq == seq })
	if i < 0 || s.entries[i].Cause == "reset" {
		refuse(w, 404, `{"code": "not_found"}`)
		return
	}
	_, _ = io.WriteString(w, s.document(s.entries[i]))
}

// document returns an entry with the fields that the server computes.
func (s *fakeSwarm) document(e *fakeEntry) string {
	doc := map[string]any{
		"seq":         e.Seq,
		"submitter":   e.Submitter,
		"command":     e.Command,
		"status":      "complete",
		"deadline_ms": 1000,
		"cause":       e.Cause,
	}
	counts := map[string]any{
		"targeted": len(e.Targets),
		"acked":    len(e.Acked),
		"missing":  len(e.Targets) - len(e.Acked),
	}
	var acked, missing, left []map[string]string
	reason := "deadline"
	if s.restart {
		reason = "server_restart"
	}
	for _, id := range e.Targets {
		if e.Acked[id] {
			acked = append(acked, map[string]string{"driver_id": id})
		} else {
			missing = append(missing, map[string]string{"driver_id": id, "reason": reason})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(e.LeftOut)) {
		left = append(left, map[string]string{"driver_id": id, "reason": e.LeftOut[id]})
	}
	if e.IfSeq != nil {
		doc["if_seq"] = *e.IfSeq
	}
	doc["acked"], doc["missing"], doc["counts"] = acked, missing, counts
	if s.older {
		return text(doc)
	}
	var outstanding, deregistered []string
	converged, holds := 0, false
	for _, id := range slices.Concat(e.Targets, slices.Sorted(maps.Keys(e.LeftOut))) {
		if s.drivers[id].state == "left" {
			deregistered = append(deregistered, id)
		}
		if s.desired(id) != e {
			continue
		}
		holds = true
		if d := s.drivers[id]; d.applied < e.Seq && d.known() {
			outstanding = append(outstanding, id)
		} else if d.state == "active" {
			converged++
		}
	}
	doc["left_out"], counts["left_out"] = left, len(left)
	if len(deregistered) > 0 {
		doc["deregistered"] = deregistered
	}
	if s.logs && len(e.Targets) == 0 {
		labels := map[string]any{"zone": []string{"us"}}
		doc["awaited"], doc["in_use"] = false, map[string]any{"labels": labels, "driver_ids": []string{}}
	}
	if holds {
		counts["outstanding"], counts["converged"] = len(outstanding), converged
		doc["outstanding"] = outstanding[:min(len(outstanding), 100)]
	}
	return text(doc)
}

func (s *fakeSwarm) state(w io.Writer) {
	s.looks++
	var items []map[string]any
	for _, id := range slices.Sorted(maps.Keys(s.drivers)) {
		d := s.drivers[id]
		if !d.known() {
			continue
		}
		item := map[string]any{
			"driver_id":   id,
			"state":       d.state,
			"drift":       "unknown",
			"applied_seq": d.applied,
			"reported":    map[string]any{"players": d.players},
		}
		if e := s.desired(id); e != nil {
			item["desired"] = []any{map[string]any{"seq": e.Seq, "command": e.Command}}
		}
		if d.state == "active" {
			item["drift"] = "converged"
		}
		items = append(items, item)
	}
	_, _ = io.WriteString(w, text(map[string]any{"items": items}))
}

func (s *fakeSwarm) roster(w io.Writer, state string) {
	var items []map[string]any
	for _, id := range slices.Sorted(maps.Keys(s.drivers)) {
		if d := s.drivers[id]; d.known() && (state == "" || d.state == state) {
			items = append(items, map[string]any{"driver_id": id, "state": d.state})
		}
	}
	_, _ = io.WriteString(w, text(map[string]any{"items": items}))
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}
