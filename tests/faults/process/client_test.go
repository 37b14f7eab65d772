package process_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// client speaks plain HTTP, one connection per request: the HTTP library retries nothing.
type client struct {
	url  string
	http *http.Client
}

func newClient(url string) *client {
	return &client{url: url, http: &http.Client{Transport: &http.Transport{DisableKeepAlives: true},
		Timeout: 30 * time.Second}}
}

// command is what a test posts. Players identifies it.
type command struct {
	submitter, key, prefer string
	target                 string // driver id, "" for all
	players                int64
	stop                   bool
	deadline               time.Duration // 0 for 2 s
}

func (c command) body() string {
	what := fmt.Sprintf(`{"type":"set_players","players":%d}`, c.players)
	if c.stop {
		what = `{"type":"stop"}`
	}
	if c.deadline == 0 {
		c.deadline = 2 * time.Second
	}
	target := "{}"
	if c.target != "" {
		target = fmt.Sprintf(`{"driver_ids":[%q]}`, c.target)
	}
	return fmt.Sprintf(`{"submitter":%q,"command":%s,"deadline_ms":%d,"target":%s}`,
		c.submitter, what, c.deadline.Milliseconds(), target)
}

// answer is an HTTP answer with its whole body.
type answer struct {
	status   int
	replayed bool
	body     []byte
	entry    entry
	code     string
}

func (a answer) accepted() bool {
	return a.status == http.StatusCreated || a.status == http.StatusAccepted
}

// entry is a command as the API shows it.
type entry struct {
	Seq       uint64
	Submitter string
	Command   struct {
		Type    string
		Players int64
	}
	Status      string
	SubmittedAt string  `json:"submitted_at"`
	ClosedAt    string  `json:"closed_at"`
	DeadlineMS  int64   `json:"deadline_ms"`
	DurationMS  float64 `json:"duration_ms"`
	Counts      struct{ Targeted, Acked, Rejected, Superseded, Missing, Late int }
	Missing     []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	}
}

// complete reports whether every target has a verdict.
func (e entry) complete() bool {
	n := e.Counts
	return e.Status != "pending" && e.ClosedAt != "" && n.Targeted > 0 &&
		n.Targeted == n.Acked+n.Rejected+n.Superseded+n.Missing
}

// missingBy reports whether every target is missing for that reason.
func (e entry) missingBy(reason string) bool {
	for _, m := range e.Missing {
		if m.Reason != reason {
			return false
		}
	}
	return e.Counts.Missing == e.Counts.Targeted && len(e.Missing) > 0
}

func (c *client) post(ctx context.Context, cmd command) (answer, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	if cmd.key != "" {
		header.Set("Idempotency-Key", cmd.key)
	}
	if cmd.prefer != "" {
		header.Set("Prefer", cmd.prefer)
	}
	return c.do(ctx, http.MethodPost, "/commands", header, cmd.body())
}

func (c *client) do(ctx context.Context, method, path string, header http.Header, body string) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, strings.NewReader(body))
	if err != nil {
		return a, err
	}
	req.Header = header
	resp, err := c.http.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	a.status, a.replayed = resp.StatusCode, resp.Header.Get("Idempotent-Replayed") == "true"
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	if a.status >= 300 {
		var problem struct{ Code string }
		err = json.Unmarshal(a.body, &problem)
		a.code = problem.Code
		return a, err
	}
	if bytes.HasPrefix(a.body, []byte(`{"seq"`)) || method == http.MethodPost {
		err = json.Unmarshal(a.body, &a.entry)
	}
	return a, err
}

// get reads a JSON answer of a known type.
func (c *client) get(ctx context.Context, path string, into any) error {
	a, err := c.do(ctx, http.MethodGet, path, http.Header{}, "")
	if err != nil {
		return err
	}
	return json.Unmarshal(a.body, into)
}

type page struct {
	Items []entry
	Next  *string `json:"next_cursor"`
}

// entries reads every entry after a position, oldest first, of one submitter or of all.
func (c *client) entries(t *testing.T, after uint64, submitter string) (all []entry) {
	t.Helper()
	query := fmt.Sprintf("/commands?order=asc&limit=1000&after=%d", after)
	if submitter != "" {
		query += "&submitter=" + submitter
	}
	for path := query; path != ""; {
		var p page
		if err := c.get(t.Context(), path, &p); err != nil {
			t.Fatal(err)
		}
		all = append(all, p.Items...)
		path = ""
		if p.Next != nil {
			path = query + "&cursor=" + *p.Next
		}
	}
	return all
}

// readiness is the answer of /readyz.
type readiness struct {
	Status string
	Checks []struct {
		Name   string
		OK     bool
		Detail string
	}
}

// reason is why the log is not ready, "" if it is.
func (r readiness) reason() string {
	for _, c := range r.Checks {
		if !c.OK {
			return c.Detail
		}
	}
	return ""
}

func (c *client) ready(t *testing.T) readiness {
	t.Helper()
	var r readiness
	if err := c.get(t.Context(), "/readyz", &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// active returns how many drivers are active.
func (c *client) active(ctx context.Context) int {
	var roster struct{ Counts struct{ Active int } }
	if c.get(ctx, "/drivers?limit=1", &roster) != nil {
		return 0
	}
	return roster.Counts.Active
}
