package view

import (
	"strconv"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Retry sends a command again to the drivers that have not applied it.
type Retry struct {
	Seq   string
	N     string
	Does  string
	Guard string // says that it cannot undo a newer command

	Patience string // how long to wait for its outcome, in milliseconds
}

// NoRetry says why a command cannot be sent again to the drivers that have not applied it.
type NoRetry struct {
	Why     string
	URL, Of string // the newer command, and the text of its link
}

// retry offers to send e again to the outstanding drivers, or says why not. It returns neither if all drivers acked.
func (w World) retry(e swarm.Entry, p swarm.Progress) (*Retry, *NoRetry) {
	if n := e.Counts(); e.Closed == nil || n.Missing+n.Rejected+len(e.Issued.LeftOut) == 0 {
		return nil, nil
	}
	switch {
	case !p.Holds:
		return nil, w.noLonger(e)
	case len(p.Outstanding) == 0:
		return nil, &NoRetry{
			Why: "No driver is outstanding: those that missed the command have applied it since, " +
				"or a newer command has replaced it for them.",
		}
	case e.Issued.Command.Total:
		return nil, &NoRetry{
			Why: "A total cannot be sent again to some of its drivers. Set it again to split it over the drivers " +
				"that are connected now.",
		}
	}
	r := &Retry{
		Seq: strconv.FormatUint(e.Seq, 10), N: Plural(len(p.Outstanding), "outstanding driver"),
		Does: Do(e.Issued.Command), Patience: Patience(e.Issued.Deadline),
	}
	if e.Issued.Command.Slot() == command.LoadSlot {
		r.Guard = "Refused if a newer command is for these drivers."
	}
	return r, nil
}

// noLonger says that newer commands are in effect, and names the newest one that is known here.
func (w World) noLonger(e swarm.Entry) *NoRetry {
	no := &NoRetry{Why: "It cannot be sent again: a newer command is in effect for all its drivers."}
	if seq := w.Newer(e); seq > 0 {
		no.Why = "It cannot be sent again: a newer command is in effect for its drivers:"
		no.URL, no.Of = CommandURL(seq), "#"+strconv.FormatUint(seq, 10)
	}
	return no
}

// Newer returns the newest command that has replaced e for one of its drivers, for a link; 0 if none is known.
func (w World) Newer(e swarm.Entry) (seq uint64) {
	look := func(id string) {
		for _, want := range w.Drifts[id].Desired {
			if want.Command.Slot() == e.Issued.Command.Slot() && want.Seq > e.Seq && !want.Reset {
				seq = max(seq, want.Seq)
			}
		}
	}
	for _, id := range e.Issued.Targets {
		look(id)
	}
	for _, l := range e.Issued.LeftOut {
		look(l.DriverID)
	}
	return seq
}
