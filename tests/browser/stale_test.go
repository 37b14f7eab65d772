package browser

import (
	"testing"

	"github.com/swarmcall/swarmcall/web/webtest"
)

// TestGoneDriver looks at a driver that the server forgets: the page does not look live, and is live again when the driver is back.
func TestGoneDriver(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	b := open(t)
	b.goTo(fake(t, s, nil) + "/ui/drivers/d-4")
	b.live()
	s.SetDrivers(nil)
	b.says("#conn-word", "Gone since")
	b.says("#gone", "This driver is gone since")
	b.until("document.body.classList.contains('stale')")
	b.picture("state-9-gone")
	s.SetDrivers(webtest.Drivers())
	b.live()
	b.until("!document.getElementById('gone') && !document.body.classList.contains('stale')")
}

// TestRestartForgetsADriver restarts the server while its only driver is away for good.
func TestRestartForgetsADriver(t *testing.T) {
	s := startServer(t)
	d := s.drive("d-1")
	b := open(t)
	b.goTo(s.url + "/ui/drivers/d-1")
	b.live()
	s.stop()
	d.quit()
	b.says("#conn-word", "Reconnecting (stale since")
	s.start()
	b.says("#conn-word", "Gone since")
	if !eval[bool](b, "document.body.classList.contains('stale')") {
		t.Error("the page looks as if it were of now")
	}
}
