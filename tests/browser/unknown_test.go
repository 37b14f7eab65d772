package browser

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// state has the fields of GET /state that tests read.
type state struct {
	Counts struct{ Converged, Drifting, Unknown int }
	Items  []struct {
		DriverID string `json:"driver_id"`
		Drift    string
	}
}

func (s *server) state() (out state) {
	s.t.Helper()
	s.get("/state", &out)
	return out
}

// looks takes a picture of the page in both themes.
func (b *tab) looks(name string) {
	b.t.Helper()
	for _, theme := range []string{"light", "dark"} {
		b.scheme(theme)
		b.picture(name + "-" + theme)
	}
}

// halfFrozen is a server with six drivers that ran ten players each, until three of them hung: they are still connected
// and send nothing, as after SIGSTOP.
func halfFrozen(t *testing.T) (*server, *tab, []*load) {
	t.Helper()
	s := startServer(t)
	var frozen []*load
	for i := range 6 {
		l := s.drive(fmt.Sprintf("d-%d", i+1), "region", []string{"eu", "us"}[i%2])
		if i >= 3 {
			frozen = append(frozen, l)
		}
	}
	s.curl(setPlayers(10))
	b := open(t)
	b.goTo(s.url)
	b.live()
	b.says("#hero", "6 of 6 drivers run 60 of 60 players")
	for _, l := range frozen {
		l.net.Freeze()
	}
	b.says("#strip", "3 stale")
	return s, b, frozen
}

// TestHungDriversAreUnknownOnEveryPage: GET /state and every page agree about a swarm in which half of the drivers
// hang.
func TestHungDriversAreUnknownOnEveryPage(t *testing.T) {
	s, b, _ := halfFrozen(t)
	got := s.state()
	if c := got.Counts; c.Converged != 3 || c.Drifting != 0 || c.Unknown != 3 {
		t.Errorf("the server says %+v", c)
	}
	const hero = "3 of 6 drivers on target, 3 unknown: 30 of 60 players"
	b.says("#hero", hero)
	b.says("#strip", "30 / 60")
	b.says("#strip", "+30 unknown")
	b.until("document.querySelector('[data-last=actual]').textContent === '30'")
	b.until("document.querySelectorAll('#worst-rows tr').length === 6")
	const unknownRows = `[...document.querySelectorAll('#worst-rows tr')].filter(r =>
		r.cells[3].innerText.startsWith('–') && r.cells[4].innerText.includes('unknown')).length`
	if n := eval[int](b, unknownRows); n != 3 {
		t.Errorf("the overview shows %d drivers as unknown", n)
	}
	b.looks("unknown-overview")

	b.goTo(s.url + "/ui/drivers?sort=id")
	b.live()
	b.says("#driver-rows", "last 10")
	for _, d := range got.Items {
		words := eval[string](b, fmt.Sprintf("document.getElementById('d-%s').innerText", d.DriverID))
		want := map[string]string{"converged": "on target", "unknown": "unknown"}[d.Drift]
		does := fmt.Sprintf("document.getElementById('d-%s').cells[6].innerText.includes(%q)", d.DriverID, want)
		if want == "" || !eval[bool](b, does) {
			t.Errorf("%s is %s, and the list says %q", d.DriverID, d.Drift, words)
		}
	}
	b.looks("unknown-drivers")

	b.goTo(s.url + "/ui/drivers/d-4")
	b.live()
	b.says("#head", "unknown")
	b.says("#driver-facts", "unknown, target 10; last reported 10")
	b.looks("unknown-driver")

	b.goTo(s.url + "/ui/commands")
	b.live()
	b.do(chromedp.Click("#command-rows th a"), chromedp.WaitVisible("#facts"))
	b.says("#head", "Complete: all of 6 drivers acked") // the outcome does not change
	b.says("#facts dd", "3 of 6 drivers")
	b.says("#strip", "30 / 60")
	b.looks("unknown-command")

	b.goTo(s.url + "/ui/heatmap")
	b.live()
	const worst = "[...document.querySelectorAll('.heat tbody th')].slice(0, 3).map(e => e.innerText).join()"
	if first := eval[string](b, worst); first != "d-4,d-5,d-6" {
		t.Errorf("the worst rows of the heatmap are %s", first)
	}
	b.says("#strip", "3 stale")
}

// TestLeftOutDrivers sends a total and a Stop while half of the swarm hangs: neither is green, and those that return
// are shown to be outside the split.
func TestLeftOutDrivers(t *testing.T) {
	s, b, frozen := halfFrozen(t)
	s.curl(`{"submitter": "ci/nightly", "command": {"type": "set_players", "players_total": 90}, "deadline_ms": 20000}`)
	b.says("#last", "3 of 6 drivers acked")
	b.says("#last", "3 left out (stale)")
	b.until("document.querySelector('#recent-rows tr:first-child .badge').classList.contains('t-warn')")
	b.do(chromedp.Click("#last h2 + a"), chromedp.WaitVisible("#facts"))
	b.live()
	b.says("#lacking", "it has no share of the total")
	b.says("#lacking", "A total cannot be sent again to some of its drivers")
	b.says("#facts dd", "3 drivers: d-4, d-5, d-6")
	b.until("document.getElementById('head').classList.contains('t-warn')")
	b.looks("left-out-command")

	b.keys("s", kb.Enter)
	b.says("#stop-dialog .result", "3 of 6 drivers acked")
	b.says("#stop-dialog .result", "Left out: d-4 has been silent for")
	b.until("document.querySelector('#stop-dialog .result .t-warn')")
	b.looks("left-out-stop")
	b.keys(kb.Escape)

	s.curl(`{"submitter": "ci/nightly", "command": {"type": "set_players", "players_total": 90}, "deadline_ms": 20000}`)
	for _, l := range frozen {
		l.net.Thaw()
	}
	b.goTo(s.url)
	b.live()
	b.says("#hero", "3 drivers outside the split: 0 players until the total is split again")
	b.until("document.getElementById('hero').classList.contains('t-warn')")
	b.says("#worst-rows", "outside the split")
	b.looks("outside-split-overview")
	b.goTo(s.url + "/ui/drivers/d-5")
	b.live()
	b.says("#head", "outside the split")
	b.looks("outside-split-driver")
}

// TestRetryToLeftOutDrivers offers a command again to exactly the drivers that the server says are outstanding.
func TestRetryToLeftOutDrivers(t *testing.T) {
	ack := swarm.Verdict{Kind: swarm.Acked}
	e := webtest.Entry(14, swarm.Command{Type: command.SetPlayers, Value: 100}, 1, ack, ack,
		swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline})
	e.Issued.LeftOut = []swarm.LeftOut{
		{DriverID: "d-4", Reason: swarm.LeftOutStale}, {DriverID: "d-5", Reason: swarm.LeftOutDisconnected},
	}
	drivers := webtest.Drivers()
	drivers[2].AppliedSeq, drivers[3].State = 9, swarm.Active
	s := webtest.NewSwarm(drivers, webtest.Recently([]swarm.Entry{e}))
	b := open(t)
	b.goTo(fake(t, s, nil) + "/ui/commands/14")
	b.live()
	b.says("#head", "Partial: 2 of 5 drivers acked; 2 left out (1 stale, 1 disconnected), 1 missing")
	b.says("#lacking", "Retry to 3 outstanding drivers")
	b.looks("left-out-retry")
	b.do(chromedp.Click("#lacking button"))
	b.says("#lacking", "No driver is outstanding")
	got := s.Submissions()
	if len(got) != 1 || fmt.Sprint(got[0].Target.DriverIDs) != "[d-3 d-4 d-5]" || got[0].IfSeq == nil ||
		*got[0].IfSeq != 14 {
		t.Errorf("the retry was submitted as %+v", got)
	}
}

// TestStopForNoDriver: a typo in a Stop is not a success, and the answer names the values in use.
func TestStopForNoDriver(t *testing.T) {
	s := startServer(t)
	s.drive("d-1", "zone", "eu-west")
	s.drive("d-2", "zone", "us")
	answer := s.send("/ui/commands", "type=stop&labels=zone%3Deu")
	if answer.Tone != "bad" ||
		answer.Says != "Nothing was stopped. No driver matches zone=eu; in use: zone eu-west, us." {
		t.Errorf("%+v", answer)
	}
}
