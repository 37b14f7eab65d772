package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"
)

// TestStory is a complete test run as seen on the dashboard, on the real server with real drivers, without a reload.
func TestStory(t *testing.T) {
	s := startServer(t)
	b := open(t)
	b.goTo(s.url)
	b.live()
	b.says("#hero", "No drivers")
	b.says("#driver-step", "waiting for a driver")
	b.picture("state-1-empty")

	s.drive("d-1", "region", "eu")
	s.drive("d-2", "region", "eu")
	third := s.drive("d-3", "region", "us")
	b.says("#driver-step", "connected")
	b.says("#worst-rows", "d-3")
	b.says("#hero", "Idle")

	s.curl(setPlayers(50))
	b.says("#recent", "50 players each")
	b.says("#last", "Complete: all of 3 drivers acked")
	b.says("#hero", "3 of 3 drivers run 150 of 150 players")
	b.picture("state-3-converged")

	s.curl(setPlayers(600))
	b.says("#hero", "Ramping")
	b.picture("state-2-ramping")
	b.says("#hero", "3 of 3 drivers run 1,800 of 1,800 players")

	third.net.Freeze()
	b.says("#worst-rows", "has been silent for")
	b.says("#strip", "1 stale")
	s.curl(setPlayers(100))
	b.says("#last", "2 of 3 drivers acked") // a stale driver is left out
	b.says("#hero", "Off target")
	b.picture("state-4-partial")

	b.keys("s", kb.Enter) // the focus is on Stop in the dialog
	b.says("#stop-dialog .result", "2 of 3 drivers acked")
	b.says("#hero", "Not all stopped")
	b.picture("state-5-stopping")
	b.keys(kb.Escape)
	third.net.Thaw()
	b.says("#hero", "Stopped")
	b.says("#hero", "3 of 3 drivers report 0 players")
	b.picture("state-6-stopped")
}

// TestMissing shows a driver that is frozen so shortly before a command that it is still active: its ack is missing,
// and there is nothing to retry once it is back and has applied the command.
func TestMissing(t *testing.T) {
	s := startServer(t)
	s.drive("d-1")
	frozen := s.drive("d-2")
	frozen.net.Freeze()
	s.curl(setPlayersWithin(time.Second, 10))
	b := open(t)
	b.goTo(s.url + "/ui/commands")
	b.live()
	b.says("#command-rows", "partial")
	b.keys("j", kb.Enter)
	b.says("#head", "Partial: 1 of 2 drivers acked; 1 missing after")
	b.says("#lacking", "d-2")
	b.live()
	b.picture("story-missing")
	frozen.net.Thaw()
	b.says("#late", "d-2") // it got the command with its desired state, and its ack is a record of its own
	b.says("#lacking", "No driver is outstanding")
}

// TestRestart stops the server under an open page: the page says that it is out of date, and is correct again when the
// server is back.
func TestRestart(t *testing.T) {
	s, b := atWork(t)
	s.Stop()
	b.says("#conn-word", "Reconnecting (stale since")
	b.until("document.body.classList.contains('stale')")
	b.picture("state-7-stream-lost")
	s.Start()
	b.live()
	b.until("!document.body.classList.contains('stale')")
	b.says("#strip", "1 active")
	s.curl(setPlayers(7))
	b.says("#hero", "1 of 1 drivers run 7 of 7 players")
	if n := eval[int](b, "document.querySelectorAll('#recent tbody tr').length"); n != 2 {
		t.Errorf("the page lists %d commands; there are 2", n)
	}
	if n := eval[int](b, "new Set([...document.querySelectorAll('[id]')].map(e => e.id)).size - "+
		"document.querySelectorAll('[id]').length"); n != 0 {
		t.Errorf("%d ids are there twice", -n)
	}
}
