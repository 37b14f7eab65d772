package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

// Acks of all active drivers do not prove a Stop while another driver keeps its load.
func TestOutcomeNamesWhoWasNotReached(t *testing.T) {
	w := viewtest.World() // d-4 is stale with 100 players, d-5 lost with 40
	stop := webtest.Entry(20, swarm.Command{Type: command.Stop}, time.Millisecond,
		swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked})
	if o := view.NewOutcome(w, stop); o.Tone != view.OK || !strings.Contains(o.Says, "all of 3 drivers acked") ||
		strings.Contains(o.Says, "eft out") {
		t.Errorf("a command that was not meant for others: %+v", o)
	}
	stop.Issued.LeftOut = []swarm.LeftOut{{DriverID: "d-4", Reason: swarm.LeftOutStale},
		{DriverID: "d-5", Reason: swarm.LeftOutDisconnected}}
	o := view.NewOutcome(w, stop)
	if o.Tone != view.Warn ||
		!strings.Contains(o.Says, "3 of 5 drivers acked in 1.0 ms, 2 left out (1 stale, 1 disconnected).") ||
		!strings.Contains(o.Says, "d-4 has been silent for 14 s, last reported 100 players") ||
		!strings.Contains(o.Says, "d-5 is disconnected") {
		t.Errorf("%+v", o)
	}
	missing := webtest.Entry(21, swarm.Command{Type: command.Stop}, 2*time.Second,
		swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{
			Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
		})
	if o := view.NewOutcome(w, missing); !strings.Contains(o.Says, "d-3: no ack within 2.0 s") {
		t.Errorf("%+v", o)
	}
}

// A driver that has answered an open command is shown as such, and counted the same everywhere.
func TestPendingCommandShowsAnswers(t *testing.T) {
	w := viewtest.World()
	pending := w.Recent[0] // 16, for all five
	w.Drivers[0].LastAck, w.Drivers[0].AppliedSeq = &swarm.LastAck{Seq: 16, Latency: 3 * time.Millisecond}, 16
	// an answer, but not applied
	w.Drivers[1].LastAck, w.Drivers[1].AppliedSeq = &swarm.LastAck{Seq: 16, Latency: time.Millisecond}, 14
	c := view.NewCommand(w.Settled(), pending, "http://x")
	if !strings.Contains(c.Verdict.Sentence, "2 of 5 drivers answered") {
		t.Error(c.Verdict.Sentence)
	}
	var words []string
	for _, r := range c.Rows {
		words = append(words, r.Badge.Word)
	}
	if got := strings.Join(words, " "); got != "acked rejected waiting waiting waiting" ||
		c.Rows[0].Latency != "3.0 ms" {
		t.Errorf("%s, %+v", got, c.Rows[0])
	}
	for _, r := range view.NewHeatmap(w, 1).Rows {
		if cell := r.Cells[0]; r.ID == "d-1" && cell.Class != "h1" || r.ID == "d-2" && cell.Class != "r" ||
			r.ID == "d-3" && cell.Class != "p" {
			t.Errorf("%s: %+v", r.ID, cell)
		}
	}
}

// A server that has just started does not know the load of drivers that have not reconnected yet, and says so.
func TestHeadlineWhileDriversAreNotBack(t *testing.T) {
	for name, tc := range map[string]struct {
		drivers []swarm.Driver
		word    string
		says    string
	}{
		"none back": {nil, "Unknown",
			"No driver has reconnected since the server started; 4 drivers may still be running players."},
		"one back": {[]swarm.Driver{is("a", swarm.Active, 5, 7)}, "Not all reconnected",
			"1 of 1 drivers run 5 of 5 players. 4 drivers not reconnected since the server started may still be " +
				"running players."},
	} {
		w := asked(5, tc.drivers...)
		w.NotBack = []string{"b", "c", "d", "e"}
		h := view.NewStrip(w).Headline
		if h.Tone != view.Warn || h.Word != tc.word || h.Says != tc.says ||
			h.Detail != "not reconnected: b, c, d and 1 more" {
			t.Errorf("%s: %+v", name, h)
		}
	}
}

func TestStripShowsUnknownPlayers(t *testing.T) {
	s := view.NewStrip(asked(0, is("a", swarm.Active, 0, 7), is("b", swarm.Stale, 20, 6)))
	if s.Actual != "0" || s.Unknown != "+20 unknown" ||
		s.StopsWhat != "2 drivers, 20 players reported, 20 of them by drivers that are stale or lost." {
		t.Errorf("%+v", s)
	}
}

// A lost driver is no longer a target, so it has no missing acks, but it is still among the worst.
func TestHeatmapShowsTheLostFirst(t *testing.T) {
	acked := swarm.Verdict{Kind: swarm.Acked}
	w := viewtest.World()
	w.Recent = []swarm.Entry{webtest.Entry(20, swarm.Command{Type: command.Stop}, time.Millisecond, acked, acked,
		acked)}
	if rows := view.NewHeatmap(w.Settled(), 1).Rows; rows[0].ID != "d-5" || rows[1].ID != "d-4" {
		t.Errorf("the first rows are %s and %s", rows[0].ID, rows[1].ID)
	}
}

// A page does not show the parts of an error that are for programs.
func TestFailuresAreInWordsOfThePage(t *testing.T) {
	err := swarm.Errorf(swarm.CodeNotFound, "no command has this seq; see GET /commands")
	if f := viewtest.World().Refusal(swarm.Submission{}, err); f.Says != "No command has this seq" {
		t.Errorf("it says %q", f.Says)
	}
}

// Samples are taken seconds apart, so the chart of a page ends with the numbers of the headline.
func TestChartEndsWithNow(t *testing.T) {
	w := viewtest.World()
	w.Samples = []view.Sample{{At: webtest.Now.Add(-4 * time.Second), Target: 1, Actual: 1}}
	if last := view.NewPlayersChart(w.Settled()).Last; view.Count(last.Actual) != view.NewStrip(w).Actual ||
		!last.At.Equal(webtest.Now) {
		t.Errorf("the chart ends with %+v", last)
	}
}

// The number in the form must change nothing if it is sent unchanged: the field is empty if drivers have different
// targets.
func TestFormHasNoNumberThatChangesTheLoad(t *testing.T) {
	each := asked(5, is("a", swarm.Active, 5, 7), is("b", swarm.Active, 5, 7))
	if f := view.NewActForm(each, ""); f.Values[0].Now != "5" {
		t.Errorf("5 each: %q", f.Values[0].Now)
	}
	mixed := asked(5, is("a", swarm.Active, 5, 7), is("b", swarm.Active, 3, 7))
	mixed.Drifts["b"].Desired[0].Command.Value = 3
	mixed.Drifts["b"] = webtest.Compared(mixed.Drifts["b"])
	mixed = mixed.Settled()
	if f := view.NewActForm(mixed, ""); f.Values[0].Now != "" {
		t.Errorf("5 and 3: %q", f.Values[0].Now)
	}
	if f := view.NewActForm(mixed, "b"); f.Values[0].Now != "3" {
		t.Errorf("one driver: %q", f.Values[0].Now)
	}
	if f := view.NewActForm(unasked(each, "b"), ""); f.Values[0].Now != "" {
		t.Errorf("5 and nothing: %q", f.Values[0].Now)
	}
}

// A command may be desired before the page has read it in the log: that is not a failure of its drivers.
func TestCommandThatCameSinceTheLogWasRead(t *testing.T) {
	w := asked(10, is("a", swarm.Active, 5, 6))
	w.Recent[0].Seq = 6
	if h := view.NewStrip(w.Settled()).Headline; h.Word != "Ramping" || h.Tone != view.Busy {
		t.Errorf("%+v", h)
	}
}
