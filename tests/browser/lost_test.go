package browser

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// mute loses a stream after hello, before the first patch of a page.
type mute struct{ http.ResponseWriter }

func (m mute) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("event: patch")) {
		return 0, errors.New("the stream is lost")
	}
	return m.ResponseWriter.Write(p)
}

func (m mute) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// TestStreamIsLostBeforeThePageCame loads a page of a revision that no stream covers, and loses the stream that was to
// replace the whole page. The next stream replaces it, so the page does not stay out of date.
func TestStreamIsLostBeforeThePageCame(t *testing.T) {
	const is, was = "0 of 5 drivers on target", "5 of 5 drivers on target"
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	var old atomic.Bool
	var loads, lost atomic.Int64
	url := fakeBehind(t, s, nil, func(next http.Handler) http.Handler {
		return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case old.Load() && r.URL.Path == "/ui/stream" && r.URL.Query().Has("fresh") && lost.Add(1) == 1:
				next.ServeHTTP(mute{w}, r)
			case old.Load() && r.URL.Path == "/":
				page := httptest.NewRecorder()
				next.ServeHTTP(page, r)
				w.Header().Set("Content-Type", page.Header().Get("Content-Type"))
				body := strings.ReplaceAll(page.Body.String(), is, was)
				if strings.Contains(body, was) {
					loads.Add(1)
				}
				_, _ = w.Write([]byte(body))
			default:
				next.ServeHTTP(w, r)
			}
		}))
	})
	b := open(t)
	b.goTo(url)
	b.live()
	b.says("#hero", is)
	old.Store(true)
	b.goTo(url)
	b.says("#hero", is)
	if loads.Load() != 1 || lost.Load() < 2 {
		t.Errorf("the old page was loaded %d times, and asked for whole by %d streams", loads.Load(), lost.Load())
	}
}

// TestPageIsLoadedAgain refuses the load that puts the first row on a page: the page requests it again, even if no
// other row arrives.
func TestPageIsLoadedAgain(t *testing.T) {
	s := webtest.NewSwarm(nil, nil)
	var refuse atomic.Bool
	var refused atomic.Int64
	url := fakeBehind(t, s, nil, func(next http.Handler) http.Handler {
		return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if refuse.Load() && r.URL.Path == "/ui/drivers" && refused.Add(1) <= 2 {
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			next.ServeHTTP(w, r)
		}))
	})
	b := open(t)
	b.goTo(url + "/ui/drivers")
	b.live()
	refuse.Store(true)
	s.SetDrivers(webtest.Drivers()[:1])
	b.says("#driver-rows", "d-1")
	if refused.Load() < 3 {
		t.Errorf("the page was loaded %d times", refused.Load())
	}
}
