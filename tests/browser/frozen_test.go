package browser

import (
	"io"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// TestFrozenServer sends forms to a server that never answers, without and with a dialog: the page says that the
// outcome is unknown, and allows another attempt.
func TestFrozenServer(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	var frozen atomic.Bool
	b := open(t)
	b.goTo(fakeBehind(t, s, nil, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && frozen.Load() {
				_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the page has aborted
				<-r.Context().Done()               // until the page aborts the request
				return
			}
			next.ServeHTTP(w, r)
		})
	}))
	b.live()
	if patience := eval[string](b, "document.documentElement.dataset.patience"); patience != "10000" {
		t.Errorf("the page waits for %q ms", patience)
	}
	eval[string](b, "document.documentElement.dataset.patience = '200'")
	frozen.Store(true)
	b.send("42")
	b.says(".act .result", "it is unknown whether the command was sent")
	b.says("#assertive", "it is unknown whether the command was sent")
	b.keys("s", kb.Enter)
	b.says("#stop-dialog .result", "it is unknown whether it was stopped. Try again, or see the log.")
	b.says("#stop-dialog [aria-live=assertive]", "it is unknown whether it was stopped")
	frozen.Store(false)
	b.keys(kb.Enter)
	b.says("#stop-dialog .result", "3 of 5 drivers acked")
	b.do(chromedp.KeyEvent(kb.Escape))
	if got := s.Submissions(); len(got) != 1 {
		t.Errorf("%d commands were submitted", len(got))
	}
}
