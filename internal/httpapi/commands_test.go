package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestSubmitAcceptsEveryField(t *testing.T) {
	w := newWorld(t, nil)
	a := w.do(t, "POST", "/commands", `{"submitter":"ci/nightly",
		"command":{"type":"set_players","players":1000000000,"note":"ü"},"deadline_ms":60000,
		"target":{"driver_ids":["d-1"],"labels":{"region":"eu"}},"min_drivers":1,"if_seq":0}`)
	if a.StatusCode != http.StatusCreated || a.Header.Get("Location") != "/commands/2" || a.Seq != 2 {
		t.Fatalf("got %d at %q: %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	e := w.entries[0].Issued
	if e.Submitter != "ci/nightly" || e.Command != (swarm.Command{Type: command.SetPlayers, Value: 1e9, Note: "ü"}) ||
		e.Deadline != time.Minute || e.Target.DriverIDs[0] != "d-1" || e.Target.Labels["region"] != "eu" {
		t.Errorf("issued %+v", e)
	}
	w.do(t, "POST", "/commands", stop)
	if e := w.entries[1].Issued; e.Submitter != swarm.Anonymous || e.Deadline != 2*time.Second {
		t.Errorf("by default issued %+v", e)
	}
}

// TestGetCommandWaits: wait_ms ends with the outcome, or when the time is over; then the entry is returned as it is.
func TestGetCommandWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, nil)
		w.hold = make(chan struct{})
		seq := w.do(t, "POST", "/commands", stop, "Prefer: respond-async").Seq
		path := "/commands/" + strconv.FormatUint(seq, 10)
		for query, want := range map[string]time.Duration{"": 0, "?wait_ms=0": 0,
			"?wait_ms=300": 300 * time.Millisecond} {
			began := time.Now()
			a := w.do(t, "GET", path+query, "")
			if took := time.Since(began); !strings.Contains(a.body, `"pending"`) || took != want {
				t.Errorf("%q: after %v %s", query, took, a.body)
			}
		}
		time.AfterFunc(time.Second, func() { close(w.hold) })
		began := time.Now()
		if a := w.do(t, "GET", path+"?wait_ms=60000", ""); strings.Contains(a.body, `"pending"`) ||
			time.Since(began) != time.Second {
			t.Errorf("after %v: %s", time.Since(began), a.body)
		}
	})
}

// TestADisconnectedSubmitterEndsNothing: the command continues after its client has disconnected.
func TestADisconnectedSubmitterEndsNothing(t *testing.T) {
	w := newWorld(t, nil)
	w.hold = make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "POST", "/commands", strings.NewReader(stop))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if rec.Body.Len() > 0 || w.count() != 1 {
		t.Errorf("wrote %q, %d entries", rec.Body, w.count())
	}
}
