package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

const holdCommand = `{"command":{"type":"set_players","players":1,"note":"hold"},"deadline_ms":60000}`

// TestKill: commands answered before kill -9 are in the log after it, to the byte, and open ones get their outcome.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	d := join(t, p.url, "d-1")
	answered := map[string]string{} // path → entry
	for i := range 10 {
		load := fmt.Sprintf(`{"submitter":"ci","command":{"type":"set_players","players":%d}}`, i)
		status, body := p.send(t, http.MethodPost, "/commands", load)
		if e := decode(t, body); status != http.StatusCreated || e.Status != "complete" {
			t.Fatalf("%d %s", status, body)
		}
		answered[fmt.Sprint("/commands/", decode(t, body).Seq)] = body
	}
	open := inFlight(t, p)
	await(t, "the driver to get the open command", d.held)
	if code, _ := p.end(t, syscall.SIGKILL); code != -1 {
		t.Fatalf("exit %d", code)
	}

	p = start(t, dir)
	for path, want := range answered {
		if _, got := p.get(t, path); got != want {
			t.Errorf("%s before the kill and after it:\n%s%s", path, want, got)
		}
	}
	status, body := p.get(t, open)
	if e := decode(t, body); status != http.StatusOK || e.Status != "failed" || len(e.Missing) != 1 ||
		e.Missing[0].Reason != "server_restart" {
		t.Errorf("the open command: %d %s", status, body)
	}
	if _, page := p.get(t, "/commands"); strings.Count(page, `"submitter":"ci"`) != len(answered) {
		t.Errorf("the log has other entries than were answered: %s", page)
	}
}

// inFlight issues a command that no driver will answer and returns the address of its entry.
func inFlight(t *testing.T, p *server) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/commands",
		strings.NewReader(holdCommand))
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	req.Header = http.Header{"Content-Type": {"application/json"}, "Prefer": {"respond-async"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatalf("the open command: %d", resp.StatusCode)
	}
	return resp.Header.Get("Location")
}

// TestTerm: SIGTERM with drivers connected and a command in flight ends the process with 0 within 10 s, and every
// client and driver is notified.
func TestTerm(t *testing.T) {
	p := start(t, t.TempDir())
	drivers := []*member{join(t, p.url, "d-1"), join(t, p.url, "d-2"), join(t, p.url, "d-3")}
	type result struct {
		status int
		body   string
	}
	answer := make(chan result, 1)
	go func() {
		status, body := p.send(t, http.MethodPost, "/commands", holdCommand)
		answer <- result{status, body}
	}()
	for _, d := range drivers {
		await(t, "the command to arrive", d.held)
	}
	code, took := p.end(t, syscall.SIGTERM)
	if code != 0 {
		t.Errorf("exit %d after %v", code, took)
	}
	t.Logf("exit %d after %v", code, took)
	r := await(t, "the answer", answer)
	if e := decode(t, r.body); r.status != http.StatusCreated || e.Counts.Targeted != 3 || len(e.Missing) != 3 ||
		e.Missing[0].Reason != "server_restart" {
		t.Errorf("the command in flight: %d %s", r.status, r.body)
	}
	for _, d := range drivers {
		if closed, ok := errors.AsType[*driver.CloseError](await(t, "the driver to be sent away", d.lost)); !ok ||
			closed.Code != wire.CloseDrain {
			t.Errorf("a driver was sent away with %v, want 1001", closed)
		}
	}
	if said := p.Err.String(); !strings.HasSuffix(strings.TrimSpace(said), "msg=stopped") ||
		strings.Contains(said, "level=ERROR") {
		t.Errorf("the log does not end well:\n%s", said)
	}
}

// TestInterrupt: an idle server ends at once, without the grace periods of a busy one: it takes less than 3 times as
// long to end as to start.
func TestInterrupt(t *testing.T) {
	testenv.FasterThan(t, 3, func() (base, took time.Duration) {
		began := time.Now()
		p := start(t, t.TempDir())
		base = time.Since(began)
		code, took := p.end(t, syscall.SIGINT)
		t.Logf("started in %v, ended in %v", base, took)
		if code != 0 {
			t.Errorf("exit %d after %v", code, took)
		}
		return base, took
	})
}
