package nodes_test

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
	// The limit is that of the command line for one attempt.
	return &client{url: url, http: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second,
	}}
}

// command is what a test posts. Players identifies it within a submitter.
type command struct {
	submitter, key, prefer string
	target                 string // JSON; "" for all drivers
	players                int64
	total                  bool // players are split over the drivers
	stop                   bool
	ifSeq                  *uint64
	deadline               time.Duration // 0 for 10 s
}

// name identifies the request of a key: each submitter has keys of its own.
func (c command) name() string { return c.submitter + "/" + c.key }

func (c command) body() string {
	field := "players"
	if c.total {
		field = "players_total"
	}
	what := fmt.Sprintf(`{"type":"set_players",%q:%d}`, field, c.players)
	if c.stop {
		what = `{"type":"stop"}`
	}
	if c.deadline == 0 {
		c.deadline = 10 * time.Second
	}
	target, condition := "{}", ""
	if c.target != "" {
		target = c.target
	}
	if c.ifSeq != nil {
		condition = fmt.Sprintf(`,"if_seq":%d`, *c.ifSeq)
	}
	return fmt.Sprintf(`{"submitter":%q,"command":%s,"deadline_ms":%d,"target":%s%s}`, c.submitter, what,
		c.deadline.Milliseconds(), target, condition)
}

// answer is an HTTP answer with its whole body.
type answer struct {
	status   int
	header   http.Header
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
	Status  string
	Counts  struct{ Targeted, Acked, Rejected, Superseded, Missing, Late int }
	Targets []string
	Missing []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	}
	Split []struct {
		DriverID string `json:"driver_id"`
		Players  int64
	}
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
	if header != nil {
		req.Header = header
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	a.status, a.header = resp.StatusCode, resp.Header
	a.replayed = resp.Header.Get("Idempotent-Replayed") == "true"
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		return a, err
	}
	if a.status >= 300 {
		var problem struct{ Code string }
		err = json.Unmarshal(a.body, &problem)
		a.code = problem.Code
		return a, err
	}
	if bytes.HasPrefix(a.body, []byte(`{"seq"`)) {
		err = json.Unmarshal(a.body, &a.entry)
	}
	return a, err
}

// get reads a JSON answer of a known type.
func (c *client) get(ctx context.Context, path string, into any) error {
	a, err := c.do(ctx, http.MethodGet, path, nil, "")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s: %d %s", path, a.status, a.body)
	}
	return json.Unmarshal(a.body, into)
}

// text reads an answer that has to be a success.
func (c *client) text(t *testing.T, path string) string {
	t.Helper()
	a, err := c.do(t.Context(), http.MethodGet, path, nil, "")
	if err != nil || a.status != http.StatusOK {
		t.Fatalf("%s%s: %d %s, %v", c.url, path, a.status, a.body, err)
	}
	return string(a.body)
}

// insist posts until there is an answer that is final, as the command line does: it stays with the node that answered
// last, and asks the next one with the same key after an answer that was lost, or that asks for patience.
func (c *cluster) insist(ctx context.Context, at *int, cmd command) (a answer, tries int, err error) {
	for ctx.Err() == nil {
		tries++
		a, err = c.nodes[*at].client.post(ctx, cmd)
		if err == nil && a.status < 500 && a.status != http.StatusTooManyRequests && a.code != "no_active_drivers" {
			return a, tries, nil
		}
		*at = (*at + 1) % len(c.nodes)
		if tries%len(c.nodes) != 0 {
			continue // the others first, without a wait
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return a, tries, fmt.Errorf("%w, after %d %s, %w", ctx.Err(), a.status, a.body, err)
}

// mustPost posts to one node, which has to accept the command.
func (n *node) mustPost(cmd command) entry {
	n.t.Helper()
	a, err := n.client.post(n.t.Context(), cmd)
	if err != nil || !a.accepted() {
		n.t.Fatalf("%s: %+v: %d %s %v", n.name, cmd, a.status, a.body, err)
	}
	return a.entry
}
