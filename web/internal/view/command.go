package view

import (
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Command is the page of one command.
type Command struct {
	Verdict  Verdict
	Facts    []Figure
	Lacking  []MissingRow // missing, rejected and left out, at most LackingRows
	LackMore string
	Retry    *Retry
	NoRetry  *NoRetry
	Late     []LateRow
	Latency  *LatencyChart
	Rows     []VerdictRow
	RowsMore string // "1,200 more targets are in the JSON", or ""
	Curl     string
	CLI      string
	JSON     string // URL of the entry in the API
	Total    string
	Split    bool // the targets received different numbers

	Type   command.Type      // what it is; a retry needs the same rights
	Labels map[string]string // of its target
}

// LateRow is an ack that came after the close.
type LateRow struct {
	ID, URL string
	Badge   Badge
	After   string
}

// VerdictRow is the verdict of one target.
type VerdictRow struct {
	ID, URL string
	Badge   Badge
	Share   string // its part of a total, or ""
	Latency string
	Why     string
}

// Limits of the page of one command; the API has everything.
const (
	LackingRows = 200
	VerdictRows = 500
)

// NewCommand shows e.
func NewCommand(w World, e swarm.Entry, address string) Command {
	p := w.Progress(e)
	c := Command{
		Verdict: NewVerdict(w, e), Facts: append(w.facts(e), progressFacts(e, p)...),
		Lacking: lacking(e, LackingRows), Latency: NewLatencyChart(e),
		Curl: Curl(address, e.Issued), CLI: CLI(address, e.Issued), JSON: "/commands/" + strconv.FormatUint(e.Seq, 10),
		Split: len(e.Issued.Split) > 0, Total: Plural(len(e.Issued.Targets), "target"),
		Type: e.Issued.Command.Type, Labels: e.Issued.Target.Labels,
	}
	if more := lackingCount(e) - len(c.Lacking); more > 0 {
		c.LackMore = "and " + Count(more) + " more, see the JSON"
	}
	c.Retry, c.NoRetry = w.retry(e, p)
	for _, l := range e.Late {
		b := Badge{OK, "applied late"}
		if !l.Reply.Applied {
			b = Badge{Warn, "rejected late"}
		}
		c.Late = append(c.Late, LateRow{l.DriverID, DriverURL(l.DriverID), b, Latency(l.Latency)})
	}
	c.Rows = verdictRows(w, e)
	if more := len(e.Issued.Targets) - len(c.Rows); more > 0 {
		c.RowsMore = Count(more) + " more targets are in the JSON."
	}
	return c
}

func verdictRows(w World, e swarm.Entry) []VerdictRow {
	n := min(VerdictRows, len(e.Issued.Targets))
	out := make([]VerdictRow, 0, n)
	for i, id := range e.Issued.Targets[:n] {
		v := w.answer(e, id)
		if e.Closed != nil && i < len(e.Closed.Verdicts) {
			v = e.Closed.Verdicts[i]
		}
		row := VerdictRow{ID: id, URL: DriverURL(id), Badge: verdictBadge(v.Kind), Why: because(e, v)}
		if v.Latency > 0 && (v.Kind == swarm.Acked || v.Kind == swarm.Rejected) {
			row.Latency = Latency(v.Latency)
		}
		if i < len(e.Issued.Split) {
			row.Share = Count(e.Issued.Split[i])
		}
		out = append(out, row)
	}
	return out
}

// progressFacts shows the present progress of the drivers with the command.
func progressFacts(e swarm.Entry, p swarm.Progress) []Figure {
	of := len(e.Issued.Targets) + len(e.Issued.LeftOut)
	switch {
	case of == 0:
		return nil
	case !p.Holds:
		return []Figure{{"Now", "newer commands have replaced it on all its drivers"}}
	}
	f := []Figure{{"On target now", Count(len(p.Converged)) + " of " + Plural(of, "driver")}}
	if n := len(p.Outstanding); n > 0 {
		f = append(f, Figure{"Outstanding now", Plural(n, "driver") + ": " + few(p.Outstanding)})
	}
	return f
}

func (w World) facts(e swarm.Entry) []Figure {
	i := e.Issued
	f := []Figure{
		{"Command", Do(i.Command)}, {"To", To(i.Target)}, {"Submitter", i.Submitter},
		{"Issued", At(i.SubmittedAt).ISO}, {"Deadline", Latency(i.Deadline)}, {"Node", i.Node},
	}
	if v := i.Via; v != nil {
		f = append(f, Figure{"Credential", v.Credential + ", from " + v.RemoteAddr + ", request " + v.RequestID})
	}
	if ids := i.Target.DriverIDs; len(ids) > 1 {
		shown := ids[:min(len(ids), 10)]
		text := strings.Join(shown, ", ")
		if len(ids) > len(shown) {
			text += " and " + Count(len(ids)-len(shown)) + " more"
		}
		f = append(f, Figure{"Named drivers", text})
	}
	if n := i.Shortfall(); n > 0 {
		f = append(f, Figure{"Not assigned", players(n) + ": no driver can take them"})
	}
	if i.Cause != "" {
		f = append(f, Figure{"Issued by the server", i.Cause})
	}
	if i.Command.Note != "" {
		f = append(f, Figure{"Note", i.Command.Note})
	}
	if e.Closed != nil {
		f = append(f, Figure{"Closed", At(e.Closed.ClosedAt).ISO})
	}
	if words := w.expiry(e.Seq); words != "" {
		f = append(f, Figure{"Expired", words})
	}
	return f
}
