package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
)

// doer is a driver that applies commands of every type.
type doer struct {
	mu    sync.Mutex
	state driver.State
	told  command.Command // the last command
}

func (d *doer) apply(_ context.Context, c driver.Command) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.state, d.told = d.state.After(c.Command()), c.Command()
	return nil
}

func (d *doer) reported() driver.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.state
}

func (d *doer) last() command.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.told
}

// connectDoer connects a driver that declares support for every type.
func (s *server) connectDoer(t *testing.T) *doer {
	t.Helper()
	d := &doer{}
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{URL: s.url, DriverID: "d-1", State: d.reported,
			Capabilities: command.Types()}, driver.HandlerFunc(d.apply))
	}()
	t.Cleanup(func() {
		leave()
		if err := <-ended; err != nil {
			t.Errorf("the driver ended with %v", err)
		}
	})
	s.until(t, "d-1", "active")
	return d
}

// TestEveryCommandType plays each row of the command table through every surface of a real server: the answer, the
// frame to the driver, its report, the entry, the export, the state, the page, and the log after a restart.
func TestEveryCommandType(t *testing.T) {
	for _, r := range command.Table() {
		for _, total := range []bool{false, true} {
			c := command.Command{Type: r.Type, Total: total, Note: "why"}
			if total && r.Total == "" {
				continue
			}
			if r.HasValue() {
				c.Value = 7
			}
			t.Run(c.String(), func(t *testing.T) { everySurface(t, r, c) })
		}
	}
}

func everySurface(t *testing.T, r command.Row, c command.Command) {
	dir, body := t.TempDir(), asJSON(t, c)
	seq := play(t, dir, func(t *testing.T, s *server) uint64 {
		d := s.connectDoer(t)
		a := s.send(t, fmt.Sprintf(`{"submitter":"ci","deadline_ms":20000,"command":%s}`, body))
		if a.Counts["acked"] != 1 {
			t.Fatalf("answer: %+v", a)
		}
		alone := c
		alone.Total = false
		if d.last() != alone {
			t.Errorf("the driver was told %+v, want %+v", d.last(), alone)
		}
		s.untilState(t, "the driver reports what it was told",
			func(a stateAnswer) bool { return a.Counts.Converged == 1 })
		if r.Drift != "" &&
			!strings.Contains(s.text(t, "/drivers/d-1"), fmt.Sprintf(`%q:%s`, r.Drift, figure(t, alone))) {
			t.Errorf("the roster does not show the report: %s", s.text(t, "/drivers/d-1"))
		}
		shows(t, s, a.Seq, c)
		page := s.text(t, fmt.Sprintf("/ui/commands/%d", a.Seq))
		for _, want := range []string{strings.Join(c.Words(), " "), string(body),
			c.Text(func(n int64) string { return fmt.Sprint(n) })} {
			if !strings.Contains(html.UnescapeString(page), want) {
				t.Errorf("the page has no %q", want)
			}
		}
		return a.Seq
	})
	play(t, dir, func(t *testing.T, s *server) bool {
		shows(t, s, seq, c)
		s.connectDoer(t)
		s.untilState(t, "the driver that comes back does what is desired",
			func(a stateAnswer) bool { return a.Counts.Converged == 1 })
		return true
	})
}

// shows expects the command in the entry, the list and the export, with the share of the driver if it is a total.
func shows(t *testing.T, s *server, seq uint64, c command.Command) {
	t.Helper()
	part := c
	part.Total = false
	for _, path := range []string{fmt.Sprintf("/commands/%d", seq), "/commands?limit=1", "/commands/export",
		"/commands?type=" + string(c.Type)} {
		text := s.text(t, path)
		if !strings.Contains(text, string(asJSON(t, c))) {
			t.Errorf("%s does not show %s: %s", path, c, text)
		}
		row, _ := c.Type.Row()
		want := fmt.Sprintf(`\{"driver_id":"d-1"[^}]*%q:%s`, row.Value, regexp.QuoteMeta(figure(t, part)))
		if c.Total && !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("%s does not show the split %s: %s", path, want, text)
		}
	}
}

// figure returns the value of a command as JSON.
func figure(t *testing.T, c command.Command) string {
	t.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal(asJSON(t, c), &members); err != nil {
		t.Fatal(err)
	}
	row, _ := c.Type.Row()
	return string(members[row.Value])
}

func asJSON(t *testing.T, c command.Command) []byte {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text reads a whole answer.
func (s *server) text(t *testing.T, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v, %s", path, resp.Status, err, b)
	}
	return string(b)
}
