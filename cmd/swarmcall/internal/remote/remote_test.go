package remote_test

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

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request with status and body, and hands it to look first.
func serve(t *testing.T, status int, body string, look func(*http.Request)) *remote.Server {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if look != nil {
			look(r)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(h.Close)
	s := remote.New(h.URL+"/", 5*time.Second)
	t.Cleanup(s.CloseIdle)
	return s
}

func TestSubmit(t *testing.T) {
	var method, path, contentType, body string
	s := serve(t, http.StatusCreated, `{"seq": 7, "status": "partial", "counts": {"targeted": 2, "acked": 1, "missing": 1},
		"acked": [{"driver_id": "d-1", "latency_ms": 1.2}], "missing": [{"driver_id": "d-2", "reason": "deadline"}], "new": 1}`,
		func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			method, path, contentType, body = r.Method, r.URL.String(), r.Header.Get("Content-Type"), string(b)
		})
	var c client.Command
	none := int64(0)
	if err := c.FromSetPlayersCommand(client.SetPlayersCommand{Players: &none}); err != nil {
		t.Fatal(err)
	}
	demo := "demo"
	e, err := s.Submit(t.Context(), client.CommandRequest{Submitter: &demo, Command: c})
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"command":{"players":0,"type":"set_players"},"submitter":"demo"}`; body != want {
		t.Errorf("sent %s, want %s", body, want)
	}
	if method != http.MethodPost || path != "/commands" || contentType != "application/json" {
		t.Errorf("sent %s %s as %s", method, path, contentType)
	}
	if e.Seq != 7 || e.Status != client.StatusPartial || len(*e.Acked) != 1 || e.Missing[0].Reason != "deadline" {
		t.Errorf("entry %+v", e)
	}
}

func TestLists(t *testing.T) {
	var url string
	look := func(r *http.Request) { url = r.URL.String() }
	r, err := serve(t, http.StatusOK, `{"items": [{"driver_id": "d-1"}], "counts": {"active": 1}}`, look).Roster(t.Context())
	if err != nil || url != "/drivers?limit=1000" || len(r.Items) != 1 || r.Counts.Active != 1 {
		t.Errorf("GET %s: %+v, %v", url, r, err)
	}
	entries, err := serve(t, http.StatusOK, `{"items": [{"seq": 4}, {"seq": 2}]}`, look).Newest(t.Context(), 2)
	if err != nil || url != "/commands?limit=2" || len(entries) != 2 || entries[0].Seq != 4 {
		t.Errorf("GET %s: %+v, %v", url, entries, err)
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"of Swarmcall": {`{"status":422,"code":"invalid_command","detail":"nothing was sent","request_id":"r1",
			"errors":[{"pointer":"/command/players","detail":"must be 0 or more"}]}`,
			"422 invalid_command: nothing was sent; /command/players must be 0 or more (request r1)"},
		"of a proxy":   {"<h1>no</h1>\n", "422 Unprocessable Entity: <h1>no</h1>"},
		"without body": {"", "422 Unprocessable Entity"},
		"cut":          {strings.Repeat("x", 1000), "422 Unprocessable Entity: " + strings.Repeat("x", 300)},
	} {
		err := serve(t, http.StatusUnprocessableEntity, tc.body, nil).Ready(t.Context())
		if _, ok := errors.AsType[*remote.Refusal](err); !ok || err.Error() != tc.want {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
}

func TestReadyAndForeignAnswers(t *testing.T) {
	if err := serve(t, http.StatusOK, `{"status": "ok", "checks": []}`, nil).Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	if err := serve(t, http.StatusOK, `{"status": "ok"}`, nil).Ready(t.Context()); err == nil {
		t.Error("another program's health is taken for ours")
	}
	_, err := serve(t, http.StatusOK, "<html>", nil).Roster(t.Context())
	if _, ok := errors.AsType[*json.SyntaxError](err); !ok || !strings.Contains(err.Error(), "not an answer of Swarmcall") {
		t.Errorf("HTML for a roster: %v", err)
	}
}
