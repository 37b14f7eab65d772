package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// TestGoneDriver opens the page of a driver that the server then forgets: the page does not look live, and is live
// again when the driver is back.
func TestGoneDriver(t *testing.T) {
	s, b := visit(t, "/ui/drivers/d-4")
	s.SetDrivers(nil)
	b.says("#conn-word", "Unknown since")
	b.says("#gone", "This driver has been unknown to the server since")
	b.until("getComputedStyle(document.querySelector('main h1')).filter === 'grayscale(1)'")
	if strip := eval[string](b, "getComputedStyle(document.getElementById('strip')).filter"); strip != "none" {
		t.Errorf("the strip, which is of now, has the filter %s", strip)
	}
	b.picture("state-9-gone")
	s.SetDrivers(webtest.Drivers())
	b.live()
	b.until("!document.getElementById('gone') && getComputedStyle(document.querySelector('main h1')).filter === 'none'")
}

// TestRestartForgetsADriver restarts the server after its only driver has ended.
func TestRestartForgetsADriver(t *testing.T) {
	s := startServer(t)
	d := s.drive("d-1")
	b := open(t)
	b.goTo(s.url + "/ui/drivers/d-1")
	b.live()
	s.Stop()
	d.quit()
	b.says("#conn-word", "Reconnecting (stale since")
	s.Start()
	b.says("#conn-word", "Unknown since")
	if !eval[bool](b, "document.body.classList.contains('gone')") {
		t.Error("the page looks as if it were of now")
	}
}

// notes records every later text of a live region.
const notes = `(window.said = [],
	new MutationObserver(() => said.push(document.getElementById('assertive').textContent)).observe(
		document.getElementById('assertive'), {childList: true, characterData: true, subtree: true}), true)`

// TestLostIsAnnouncedOnce stops the server for several attempts to connect: the time of the loss does not change, its
// age grows, and screen readers hear once that the connection is lost, and once that it is back.
func TestLostIsAnnouncedOnce(t *testing.T) {
	s := startServer(t)
	b := open(t)
	b.goTo(s.url)
	b.live()
	eval[bool](b, notes)
	s.Stop()
	b.says("#conn-word", "Reconnecting (stale since")
	eval[bool](b, `(window.first = document.getElementById('conn-word').textContent, true)`)
	b.until("said.length > 0")
	b.until(`Number(document.getElementById('conn-word').textContent.match(/, (\d+) s/)[1]) >= 9`)
	const since = `[first, document.getElementById('conn-word').textContent]
		.map(w => w.match(/since ([\d:]+)/)[1]).join()`
	if now := eval[string](b, since); now[:8] != now[9:] {
		t.Errorf("since when the page is old moved: %s", now)
	}
	s.Start()
	b.live()
	b.until("said.length > 1")
	if said := eval[string](b, "said.join('|')"); said != "The connection is lost. This page is out of date.|The "+
		"connection is back." {
		t.Errorf("it was said: %s", said)
	}
}

// TestRestartWhilePaused restarts the server under a paused page: its content stays until the page is resumed.
func TestRestartWhilePaused(t *testing.T) {
	s, b := atWork(t)
	b.keys("p")
	s.Stop()
	b.says("#conn-word", "Reconnecting (stale since")
	s.Start()
	other := b.another()
	other.goTo(s.url)
	other.says("#strip", "1 active")
	s.curl(setPlayers(7))
	other.says("#hero", "1 of 1 drivers run 7 of 7 players")
	b.says("#conn-word", "Paused · +")
	if says := b.text("#recent"); !strings.Contains(says, "5 players each") ||
		strings.Contains(says, "7 players each") {
		t.Errorf("the paused page has changed: %s", says)
	}
	b.keys("p")
	b.says("#recent", "7 players each")
	b.says("#hero", "1 of 1 drivers run 7 of 7 players")
}

// TestLostIsNarrow checks that the long text of a lost connection fits into the narrowest window.
func TestLostIsNarrow(t *testing.T) {
	s := startServer(t)
	b := open(t)
	b.do(chromedp.EmulateViewport(320, 640))
	b.goTo(s.url)
	b.live()
	s.Stop()
	b.says("#conn-word", "Reconnecting (stale since")
	if over := eval[int](b, "document.documentElement.scrollWidth - innerWidth"); over > 0 {
		t.Errorf("the page is %d pixels wider than the window", over)
	}
	b.picture("state-7-stream-lost-320")
}
