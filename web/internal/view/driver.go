package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Driver is the page of one driver.
type Driver struct {
	ID       string
	Tone     Tone // the worse of State and Standing
	State    Badge
	Standing Badge
	Why      string
	Facts    []Figure
	Metrics  []Figure
	Spark    string
	SparkMax string
	Timeline []TimelineRow
	Form     ActForm
}

// TimelineRow is an event of a driver: the verdict of a command or a change of its session.
type TimelineRow struct {
	At    Moment
	Badge Badge
	What  string
	URL   string
	Why   string
}

// NewDriver shows a driver; ok is false when it is not in the roster.
func NewDriver(w World, id string) (page Driver, ok bool) {
	d, ok := w.driver(id)
	if !ok {
		return Driver{}, false
	}
	a := w.aim(d)
	page = Driver{
		ID: d.ID, State: driverBadge(d), Standing: standingBadge(a.Standing), Facts: w.driverFacts(d, a),
		Timeline: timeline(w, d.ID), Form: NewActForm(w, d.ID),
	}
	page.Tone = worse(page.State.Tone, page.Standing.Tone)
	page.Why = w.whyOf(d, a)
	for _, m := range metrics(d.Metrics, len(d.Metrics)) {
		name, value, _ := strings.Cut(m, " ")
		page.Metrics = append(page.Metrics, Figure{name, value})
	}
	values := w.Sparks(d.ID)
	page.Spark, page.SparkMax = spark(values), Count(maxOf(values))
	return page, true
}

// whyOf is the sentence beside the badges, with details that only the page of one driver shows.
func (w World) whyOf(d swarm.Driver, a Aim) string {
	i, _ := w.index(d.ID)
	why := w.why(i)
	if a.Standing == Refused {
		if e, ok := w.entry(a.Seq); ok {
			v, _ := verdict(e, d.ID)
			why += " (" + because(e, v) + ")"
		}
	}
	if c := d.Conflict; c != nil {
		return conflictText(c) + "; " + why
	}
	if d.State == swarm.Active && d.Unresponsive {
		return "did not answer before the last deadlines; " + why
	}
	return why
}

func conflictText(c *swarm.Conflict) string {
	return "processes at " + c.RemoteAddrs[0] + " and " + c.RemoteAddrs[1] +
		" use the same driver id and disconnect each other, " +
		Count(int64(c.Takeovers)) + " times so far"
}

func (w World) driverFacts(d swarm.Driver, a Aim) []Figure {
	target := "–"
	if a.Asked {
		target = Count(a.Target)
	}
	now := Count(d.Reported.Players) + " of " + target
	if !a.Standing.known() {
		now = "unknown, target " + target + "; last reported " + Count(d.Reported.Players)
	}
	f := []Figure{
		{"Players", now}, {"Spawn delay", Count(d.Reported.SpawnDelayMS) + " ms"},
		{"Heartbeat", Age(d.HeartbeatAge) + " ago"}, {"Round trip", roundTrip(d.RTT)},
		{"Applied", "#" + strconv.FormatUint(d.AppliedSeq, 10)},
	}
	switch {
	case a.Reset:
		f = append(f, Figure{"Set by", w.withdrawn(a.Seq)})
	case a.Asked:
		f = append(f, Figure{"Set by", "#" + strconv.FormatUint(a.Seq, 10)})
	}
	if d.LastAck != nil {
		f = append(f, Figure{
			"Last ack", "#" + strconv.FormatUint(d.LastAck.Seq, 10) + " in " + Latency(d.LastAck.Latency),
		})
	}
	takes := strings.Join(d.Capabilities, ", ")
	if takes == "" {
		takes = "all commands"
	}
	return append(f, Figure{"Version", d.Version}, Figure{"Connected", At(d.ConnectedAt).ISO},
		Figure{"Address", d.RemoteAddr},
		Figure{"Supports", takes}, Figure{"Labels", strings.Join(Labels(d.Labels), ", ")})
}

const timelineRows = 60

// timeline merges the verdicts of recent commands with changes of the session, newest first.
func timeline(w World, id string) []TimelineRow {
	sessions := w.Events(id)
	var out []TimelineRow
	for _, e := range w.Recent {
		row, ok := w.commandEvent(e, id)
		if !ok {
			continue
		}
		for len(sessions) > 0 && sessions[0].At.After(e.Issued.SubmittedAt) {
			out, sessions = append(out, w.sessionRow(sessions[0])), sessions[1:]
		}
		out = append(out, row)
	}
	for _, s := range sessions {
		out = append(out, w.sessionRow(s))
	}
	return out[:min(len(out), timelineRows)]
}

func (w World) sessionRow(e SessionEvent) TimelineRow {
	return TimelineRow{At: w.when(e.At), Badge: DriverBadge(e.State), What: e.What}
}

func (w World) commandEvent(e swarm.Entry, id string) (TimelineRow, bool) {
	seq := strconv.FormatUint(e.Seq, 10)
	what, url := "#"+seq+" "+Do(e.Issued.Command), CommandURL(e.Seq)
	row := TimelineRow{At: w.when(e.Issued.SubmittedAt), What: what, URL: url}
	if reason, ok := leftOutOf(e, id); ok {
		row.Badge, row.Why = leftOutBadge, leftOutWhy(e, reason)
		return row, true
	}
	v, closed := verdict(e, id)
	if !closed && (e.Closed != nil || !isTarget(e, id)) {
		return TimelineRow{}, false
	}
	row.Badge, row.Why = verdictBadge(v.Kind), because(e, v)
	if v.Kind == swarm.Acked || v.Kind == swarm.Rejected {
		row.Why = strings.TrimSpace("after " + Latency(v.Latency) + " " + row.Why)
	}
	for _, l := range e.Late {
		if l.DriverID == id {
			row.Why += "; answered late, after " + Latency(l.Latency)
		}
	}
	return row, true
}

func isTarget(e swarm.Entry, id string) bool {
	_, ok := slices.BinarySearch(e.Issued.Targets, id)
	return ok
}
