package client_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/client"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request with status and body, and hands it to look first.
func serve(t *testing.T, status int, body string, look func(*http.Request)) *client.Client {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if look != nil {
			look(r)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	c := client.New(s.URL+"/", 5*time.Second)
	t.Cleanup(c.CloseIdle)
	return c
}

func TestSubmit(t *testing.T) {
	var method, path, contentType, body string
	c := serve(t, http.StatusCreated, `{"seq": 7, "status": "partial", "counts": {"targeted": 2, "acked": 1, "missing": 1},
		"acked": [{"driver_id": "d-1", "latency_ms": 1.2}], "missing": [{"driver_id": "d-2", "reason": "deadline"}], "new": 1}`,
		func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			method, path, contentType, body = r.Method, r.URL.String(), r.Header.Get("Content-Type"), string(b)
		})
	n := int64(0)
	e, err := c.Submit(t.Context(), client.Submission{Submitter: "demo", Command: client.Command{Type: "set_players", Players: &n}})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"submitter":"demo","command":{"type":"set_players","players":0}}`; body != want {
		t.Errorf("sent %s, want %s", body, want)
	}
	if method != http.MethodPost || path != "/commands" || contentType != "application/json" {
		t.Errorf("sent %s %s as %s", method, path, contentType)
	}
	if e.Seq != 7 || e.Status != "partial" || len(e.Acked) != 1 || e.Missing[0].Reason != "deadline" {
		t.Errorf("entry %+v", e)
	}
}

func TestProblem(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"of Swarmcall": {`{"status":422,"code":"invalid_command","detail":"nothing was sent","request_id":"r1",
			"errors":[{"pointer":"/command/players","detail":"must be 0 or more"}]}`,
			"422 invalid_command: nothing was sent; /command/players must be 0 or more (request r1)"},
		"of a proxy":   {"<h1>no</h1>\n", "422 Unprocessable Entity: <h1>no</h1>"},
		"without body": {"", "422 Unprocessable Entity"},
		"cut":          {strings.Repeat("x", 1000), "422 Unprocessable Entity: " + strings.Repeat("x", 300)},
	} {
		err := serve(t, http.StatusUnprocessableEntity, tc.body, nil).Ready(t.Context())
		if _, ok := errors.AsType[*client.Problem](err); !ok || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestReadyAndForeignAnswers(t *testing.T) {
	if err := serve(t, http.StatusOK, "{}", nil).Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	_, err := serve(t, http.StatusOK, "<html>", nil).Roster(t.Context())
	if _, ok := errors.AsType[*json.SyntaxError](err); !ok || !strings.Contains(err.Error(), "not an answer of Swarmcall") {
		t.Errorf("HTML for a roster: %v", err)
	}
}
