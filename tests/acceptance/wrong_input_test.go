package acceptance

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestWrongInput sends what users get wrong. Each request gets a problem document; nothing is logged or sent to
// drivers, and the server stays up.
func TestWrongInput(t *testing.T) {
	s := startServer(t, nil)
	d := s.connect(t, "d-1")
	const jsonType = "application/json"
	set := func(members string) string {
		return `{"submitter":"ci","command":{"type":"set_players"` + members + `}}`
	}
	type request struct {
		method, path, contentType, body string
		status                          int
		code, pointer                   string
	}
	malformed := func(body string) request {
		return request{"POST", "/commands", jsonType, body, 400, "malformed_json", ""}
	}
	invalid := func(body, pointer string) request {
		return request{"POST", "/commands", jsonType, body, 422, "invalid_command", pointer}
	}
	for name, c := range map[string]request{
		"no body":            malformed(""),
		"half a JSON":        malformed(`{"submitter":"ci","comm`),
		"trailing data":      malformed(set(`,"players":1`) + `{}`),
		"invalid UTF-8":      malformed(set(`,"players":1,"note":"` + "\xff" + `"`)),
		"duplicate key":      malformed(set(`,"players":1,"players":2`)),
		"unknown field":      invalid(`{"command":{"type":"stop"},"playerz":1}`, "/playerz"),
		"unknown in command": invalid(set(`,"players":1,"speed":2`), "/command/speed"),
		"negative players":   invalid(set(`,"players":-1`), "/command/players"),
		"huge players":       invalid(set(`,"players":1e400`), "/command/players"),
		"no players":         invalid(set(``), "/command/players"),
		"half a player":      invalid(set(`,"players":1.5`), "/command/players"),
		"unknown type":       invalid(`{"command":{"type":"explode"}}`, "/command/type"),
		"no command":         invalid(`{}`, "/command"),
		"bad submitter":      invalid(`{"submitter":"a b","command":{"type":"stop"}}`, "/submitter"),
		"long deadline":      invalid(`{"command":{"type":"stop"},"deadline_ms":60001}`, "/deadline_ms"),
		"100 KiB body": {"POST", "/commands", jsonType, `{"submitter":"` + strings.Repeat("a", 100<<10) + `"}`,
			413, "body_too_large", ""},
		"wrong content type": {"POST", "/commands", "text/plain", set(`,"players":1`),
			415, "unsupported_media_type", ""},
		"no content type":   {"POST", "/commands", "", set(`,"players":1`), 415, "unsupported_media_type", ""},
		"unknown path":      {"GET", "/comands", "", "", 404, "not_found", ""},
		"wrong method":      {"DELETE", "/commands", "", "", 405, "method_not_allowed", ""},
		"unknown seq":       {"GET", "/commands/999999", "", "", 404, "not_found", ""},
		"seq of a word":     {"GET", "/commands/newest", "", "", 400, "bad_request", ""},
		"unknown parameter": {"GET", "/commands?limmit=5", "", "", 400, "bad_request", ""},
		"limit too high":    {"GET", "/commands?limit=1001", "", "", 400, "bad_request", ""},
		"forged cursor":     {"GET", "/commands?cursor=hello", "", "", 400, "bad_request", ""},
		"unknown driver":    {"GET", "/drivers/nobody", "", "", 404, "not_found", ""},
	} {
		t.Run(name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, s.url+c.path, strings.NewReader(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if c.contentType != "" {
				req.Header.Set("Content-Type", c.contentType)
			}
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = resp.Body.Close() }()
			var p struct {
				Status              int
				Code, Title, Detail string
				Type                string
				RequestID           string `json:"request_id"`
				Errors              []struct{ Pointer, Detail string }
			}
			if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != c.status || p.Code != c.code || p.Status != c.status || p.RequestID == "" ||
				p.Title == "" || p.Detail == "" {
				t.Errorf("got %d %+v, want %d %s", resp.StatusCode, p, c.status, c.code)
			}
			if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
			if c.pointer != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer != c.pointer || p.Errors[0].Detail == "") {
				t.Errorf("errors %+v, want pointer %s first", p.Errors, c.pointer)
			}
			if c.status == http.StatusMethodNotAllowed && resp.Header.Get("Allow") == "" {
				t.Error("405 without Allow")
			}
		})
	}
	if log := s.Log(t); len(log) != 0 {
		t.Errorf("the log has %d entries", len(log))
	}
	r := s.Submit(t.Context(), swarm.Submission{
		Submitter: "ci", Command: swarm.Command{Type: command.Stop}, Deadline: swarm.MaxDeadline,
	})
	if got := d.Applied(); r.Counts.Acked != 1 || len(got) != 1 || got[0].Seq != r.Seq {
		t.Errorf("after all that: %+v, the driver applied %v", r, got)
	}
}
