package view

import (
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// CommandRow is one command in a list.
type CommandRow struct {
	Seq       string
	URL       string
	At        Moment
	Do        string
	Note      string
	To        string
	Only      string // To, or "" if that is all drivers
	Submitter string
	Status    Badge
	LeftOut   string // "3 left out (stale)", or ""
	Bar       Bar
	Took      string // until the outcome; "" while it is open
	P95       string // ack latency that 95 % of the targets met
}

// NewCommandRow shows e.
func NewCommandRow(w World, e swarm.Entry) CommandRow {
	row := CommandRow{
		Seq: strconv.FormatUint(e.Seq, 10), URL: CommandURL(e.Seq), At: w.when(e.Issued.SubmittedAt),
		Do: Do(e.Issued.Command), Note: e.Issued.Command.Note, To: To(e.Issued.Target), Submitter: e.Issued.Submitter,
		Status: statusOf(e), LeftOut: leftOutWords(e), Bar: NewBar(e.Counts(), len(e.Issued.LeftOut)),
	}
	if len(e.Issued.Target.DriverIDs)+len(e.Issued.Target.Labels) > 0 {
		row.Only = row.To
	}
	if e.Closed != nil {
		row.Took = Latency(e.Closed.Duration)
		row.P95 = percentile(e, 95)
	} else {
		row.Bar = pendingBar(len(e.Issued.Targets), w.answered(e), len(e.Issued.LeftOut))
	}
	return row
}

// statusOf shows the status of e as a badge. It is green only if every driver that the command was for acked it.
func statusOf(e swarm.Entry) Badge {
	if noTargets(e) && len(e.Issued.LeftOut) == 0 {
		return Badge{Warn, "no driver"}
	}
	b := StatusBadge(e.Status())
	if len(e.Issued.LeftOut) > 0 {
		b.Tone = worse(b.Tone, Warn)
	}
	return b
}

// Bar shows the verdicts of a command as shares of the drivers that it was for. Targeted is "" when there were none.
type Bar struct {
	Acked, Targeted string
	Parts           []BarPart // in the order they are drawn; none while nothing is known
}

// BarPart is one kind of verdict. From and Width are in percent of the bar.
type BarPart struct {
	Tone        Tone
	Word        string
	N           string
	From, Width string
}

// NewBar shows counts.
func NewBar(c swarm.Counts, leftOut int) Bar {
	of := c.Targeted + leftOut
	if of == 0 {
		return Bar{}
	}
	bar := Bar{Acked: Count(c.Acked), Targeted: Count(of)}
	from := 0.0
	for _, p := range []struct {
		n    int
		tone Tone
		word string
	}{
		{c.Acked, OK, "acked"}, {c.Superseded, Off, "superseded"}, {c.Rejected, Warn, "rejected"},
		{c.Missing, Bad, "missing"}, {leftOut, Warn, "left out"},
	} {
		if p.n == 0 {
			continue
		}
		width := 100 * float64(p.n) / float64(of)
		bar.Parts = append(bar.Parts, BarPart{p.tone, p.word, Count(p.n), num(from), num(width)})
		from += width
	}
	return bar
}

// pendingBar shows how many drivers have answered. Their verdicts follow when the command closes.
func pendingBar(targeted, answered, leftOut int) Bar {
	of := targeted + leftOut
	if of == 0 {
		return Bar{}
	}
	bar := Bar{Acked: Count(answered), Targeted: Count(of)}
	percent := func(n int) string { return num(100 * float64(n) / float64(of)) }
	if answered > 0 {
		bar.Parts = append(bar.Parts, BarPart{Busy, "answered so far", Count(answered), "0", percent(answered)})
	}
	if leftOut > 0 {
		bar.Parts = append(bar.Parts, BarPart{Warn, "left out", Count(leftOut), percent(targeted), percent(leftOut)})
	}
	return bar
}

// Words lists the verdicts: "2 acked, 1 missing".
func (b Bar) Words() string {
	s := ""
	for i, p := range b.Parts {
		if i > 0 {
			s += ", "
		}
		s += p.N + " " + p.Word
	}
	return s
}

func num(f float64) string { return strconv.FormatFloat(f, 'f', -1, 32) }
