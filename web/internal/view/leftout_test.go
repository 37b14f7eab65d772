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

// TestLeftOutIsNeverGreen: a command that left drivers out is not shown as a success, in any list and with any outcome.
func TestLeftOutIsNeverGreen(t *testing.T) {
	ack, missing := swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}
	skipped := swarm.Verdict{Kind: swarm.Superseded}
	left := func(three, four, five swarm.LeftOutReason) []swarm.LeftOut {
		return []swarm.LeftOut{{DriverID: "d-3", Reason: three}, {DriverID: "d-4", Reason: four},
			{DriverID: "d-5", Reason: five}}
	}
	stale := left(swarm.LeftOutStale, swarm.LeftOutStale, swarm.LeftOutStale)
	mixed := left("node_moved", swarm.LeftOutOtherRun, swarm.LeftOutStale)
	for name, tc := range map[string]struct {
		verdicts []swarm.Verdict
		left     []swarm.LeftOut
		tone     view.Tone
		says     string
		bar      string
	}{
		"complete": {[]swarm.Verdict{ack, ack}, stale, view.Warn,
			"2 of 5 drivers acked in 1.0 s, 3 left out (stale).", "2 acked, 3 left out"},
		"partial": {[]swarm.Verdict{ack, missing}, stale, view.Warn,
			"Partial: 1 of 5 drivers acked; 3 left out (stale), 1 missing after 1.0 s.",
			"1 acked, 1 missing, 3 left out"},
		"failed": {[]swarm.Verdict{missing}, stale, view.Bad,
			"Failed: none of 4 drivers acked; 3 left out (stale), 1 missing after 1.0 s.", "1 missing, 3 left out"},
		"superseded": {[]swarm.Verdict{skipped}, stale, view.Warn,
			"Superseded: newer commands replaced it on 1 of 4 drivers; 3 left out (stale).",
			"1 superseded, 3 left out"},
		"pending": {nil, stale[:1], view.Warn, "Pending: 0 of 6 drivers answered, 1 left out (stale)", "1 left out"},
		"mixed": {[]swarm.Verdict{ack, ack}, mixed, view.Warn,
			"2 of 5 drivers acked in 1.0 s, 3 left out (1 stale, 1 other run, 1 node moved).", "2 acked, 3 left out"},
	} {
		e := webtest.Entry(20, swarm.Command{Type: command.SetPlayers, Value: 5}, time.Second, tc.verdicts...)
		e.Issued.LeftOut = tc.left
		w := viewtest.Compare(view.World{Now: webtest.Now, Drivers: webtest.Drivers(), Recent: []swarm.Entry{e}})
		c := view.NewCommand(w, e, "")
		if row := c.Verdict.Row; row.Status.Tone != tc.tone || row.Bar.Words() != tc.bar || row.LeftOut == "" ||
			!strings.Contains(c.Verdict.Sentence, tc.says) {
			t.Errorf("%s: %+v, %q, %q", name, row.Status, row.Bar.Words(), c.Verdict.Sentence)
		}
		if last := c.Lacking[len(c.Lacking)-1]; last.Badge.Word != "left out" ||
			last.ID != tc.left[len(tc.left)-1].DriverID || last.Why == "" {
			t.Errorf("%s: the last row is %+v", name, last)
		}
		if o := view.NewOutcome(w, e); o.Tone == view.OK || !strings.Contains(o.Says, "Left out: d-3") {
			t.Errorf("%s: %+v", name, o)
		}
		if s := view.NewStrip(w); s.Last.Status.Tone == view.OK {
			t.Errorf("%s: the strip has %+v", name, s.Last.Status)
		}
		d, _ := view.NewDriver(w, "d-3")
		if len(d.Timeline) != 1 || d.Timeline[0].Badge.Word != "left out" || d.Timeline[0].Why == "" {
			t.Errorf("%s: the timeline of d-3 is %+v", name, d.Timeline)
		}
		for _, row := range view.NewHeatmap(w, 1).Rows {
			if row.ID == "d-3" && row.Cells[0].Says != "left out" {
				t.Errorf("%s: the heatmap says %+v", name, row.Cells[0])
			}
		}
	}
}

// TestExpiredIsShown: when the server itself has set the target of a driver to 0, the page says why.
func TestExpiredIsShown(t *testing.T) {
	w := viewtest.SplitWorld()
	fact := func(facts []view.Figure, name string) string {
		for _, f := range facts {
			if f.Name == name {
				return f.Value
			}
		}
		return ""
	}
	d, _ := view.NewDriver(w, "d-6")
	const expired = "the server: #9 to region=us has expired (no known driver has matched its target for 10m0s)"
	if got := fact(d.Facts, "Set by"); got != expired {
		t.Errorf("the driver: %q", got)
	}
	reset := w.Drifts["d-6"]
	for seq, want := range map[uint64]string{1: "the server: old load does not restart automatically (a new log)",
		3: "the server: old load does not restart automatically"} {
		reset.Desired[0].Seq = seq
		w.Drifts["d-6"] = reset
		d, _ = view.NewDriver(w.Settled(), "d-6")
		if got := fact(d.Facts, "Set by"); got != want {
			t.Errorf("a reset at %d: %q", seq, got)
		}
	}
	if got := fact(view.NewCommand(w, w.Recent[2], "").Facts, "Expired"); !strings.Contains(got,
		"for region=us, 2026-11-25T12:03:31.000Z: no known driver") {
		t.Errorf("the command: %q", got)
	}
	if got := fact(view.NewCommand(w, w.Recent[0], "").Facts, "Expired"); got != "" {
		t.Errorf("another command: %q", got)
	}
}

// TestNoLinkToARecordWithoutAPage: the newer record may be a reset or an expired command, which has no page.
func TestNoLinkToARecordWithoutAPage(t *testing.T) {
	w := viewtest.SplitWorld()
	for seq, url := range map[uint64]string{1: "", 15: "", 20: "/ui/commands/20"} {
		err := &swarm.Error{Code: swarm.CodeNewerCommand, Attrs: map[string]any{"seq": seq}}
		if f := w.Refusal(swarm.Submission{Command: swarm.Command{Type: command.SetPlayers}}, err); f.NewerURL != url {
			t.Errorf("%d: %q", seq, f.NewerURL)
		}
	}
}
