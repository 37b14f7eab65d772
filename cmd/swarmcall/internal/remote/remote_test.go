package remote_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve answers every request with status and body, and hands it to look first.
func serve(t *testing.T, status int, body string, look func(*http.Request)) *remote.Client {
	t.Helper()
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		look(r)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(h.Close)
	c, err := remote.Dial(remote.Config{URL: h.URL + "/"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseIdle)
	return c
}

func TestSubmit(t *testing.T) {
	var method, path, contentType, body string
	c := serve(t, http.StatusCreated, `{"seq": 7, "status": "partial",
		"counts": {"targeted": 2, "acked": 1, "missing": 1}, "acked": [{"driver_id": "d-1", "latency_ms": 1.2}],
		"missing": [{"driver_id": "d-2", "reason": "deadline"}], "new": 1}`,
		func(r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			method, path, contentType, body = r.Method, r.URL.String(), r.Header.Get("Content-Type"), string(b)
		})
	a, _, err := c.Submit(t.Context(), remote.Submission{
		Submitter: "demo", Command: remote.Command{Type: command.SetPlayers},
	}, "k")
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"submitter":"demo","command":{"type":"set_players","players":0}}`; body != want {
		t.Errorf("sent %s, want %s", body, want)
	}
	if method != http.MethodPost || path != "/commands" || contentType != "application/json" {
		t.Errorf("sent %s %s as %s", method, path, contentType)
	}
	e := a.Value
	if e.Seq != 7 || e.Status != client.StatusPartial || len(*e.Acked) != 1 || e.Missing[0].Reason != "deadline" {
		t.Errorf("entry %+v", e)
	}
}

func TestLists(t *testing.T) {
	var url string
	look := func(r *http.Request) { url = r.URL.String() }
	c := serve(t, http.StatusOK, `{"items": [{"driver_id": "d-1"}], "counts": {"active": 1}}`, look)
	r, err := c.Drivers(t.Context(), remote.DriverFilter{})
	if err != nil || url != "/drivers?limit=1000" || len(r.Items) != 1 || r.Counts.Active != 1 {
		t.Errorf("GET %s: %+v, %v", url, r, err)
	}
	c = serve(t, http.StatusOK, `{"items": [{"seq": 4}, {"seq": 2}]}`, look)
	page, err := c.Commands(t.Context(), remote.CommandFilter{Limit: 2})
	if err != nil || url != "/commands?limit=2" || len(page.Items) != 2 || page.Items[0].Seq != 4 {
		t.Errorf("GET %s: %+v, %v", url, page, err)
	}
}

// TestReady: a server that does not accept commands answers with a document that is not a refusal; a proxy may answer
// anything.
func TestReady(t *testing.T) {
	look := func(*http.Request) {}
	if _, err := serve(t, http.StatusOK, `{"status": "ok", "checks": []}`, look).Ready(t.Context()); err != nil {
		t.Errorf("ready: %v", err)
	}
	long := `{"checks": "` + strings.Repeat("x", 1000) + `"}`
	for _, tc := range []struct {
		status     int
		body, want string
	}{
		{http.StatusOK, `{"status": "ok"}`, "a proxy or another server answered 200 text/plain"},
		{http.StatusServiceUnavailable, `{"checks": [1]}`, `503 Service Unavailable: {"checks": [1]}`},
		{http.StatusServiceUnavailable, long, "503 Service Unavailable: " + long[:300]},
		{http.StatusUnprocessableEntity, "<h1>no</h1>", "a proxy or another server answered 422 text/html"},
	} {
		_, err := serve(t, tc.status, tc.body, look).Ready(t.Context())
		if got := clierr.Cause(err); got == nil || got.Error() != tc.want {
			t.Errorf("%d %s: %v, want %s", tc.status, tc.body, got, tc.want)
		}
	}
}
