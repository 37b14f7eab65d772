package view

import (
	"slices"
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Retry sends a command again to those that miss it.
type Retry struct {
	Seq   string
	N     string
	Does  string
	Guard string // what keeps it from undoing a newer command

	Patience string // how long to wait for what comes of it, in milliseconds
}

// NoRetry is why a command that some miss cannot be sent to them again.
type NoRetry struct {
	Why     string
	URL, Of string // the newer command, and how it is called
}

// Missing lists the targets that miss e still: a driver that took it after the close, or when it came back, misses nothing.
func (w World) Missing(e swarm.Entry) []string {
	if e.Closed == nil {
		return nil
	}
	late := make(map[string]bool, len(e.Late))
	for _, l := range e.Late {
		late[l.DriverID] = l.Reply.Applied
	}
	var out []string
	for i, v := range e.Closed.Verdicts {
		if id := e.Issued.Targets[i]; v.Kind == swarm.Missing && !late[id] && !w.applied(e, id) {
			out = append(out, id)
		}
	}
	return out
}

func (w World) applied(e swarm.Entry, id string) bool {
	d, ok := w.driver(id)
	return ok && d.AppliedSeq == e.Seq
}

// retry offers to send e again, or says why not; neither when nobody missed it.
func (w World) retry(e swarm.Entry) (*Retry, *NoRetry) {
	if e.Counts().Missing == 0 {
		return nil, nil
	}
	missing := w.Missing(e)
	switch newer := w.Newer(e, missing); {
	case len(missing) == 0:
		return nil, &NoRetry{Why: "All that missed it have taken it since."}
	case e.Issued.Command.Total:
		return nil, &NoRetry{Why: "A total is not sent again to some: set it anew, and it is split over those who are there. Who comes back is told its part."}
	case newer > 0:
		return nil, &NoRetry{Why: "It cannot be sent again: a newer command came for the same drivers:", URL: CommandURL(newer), Of: "#" + strconv.FormatUint(newer, 10)}
	}
	r := &Retry{Seq: strconv.FormatUint(e.Seq, 10), N: Plural(len(missing), "driver"), Does: Do(e.Issued.Command), Patience: Patience(e.Issued.Deadline)}
	if e.Issued.Command.Slot() == swarm.PlayersSlot {
		r.Guard = "Refused if a newer command concerns them."
	}
	return r, nil
}

// Newer returns the newest command that took the place of e at one of these drivers, or may do so when they are back; or 0.
func (w World) Newer(e swarm.Entry, ids []string) uint64 {
	slot := e.Issued.Command.Slot()
	ours := make(map[string]bool, len(ids))
	for _, id := range ids {
		ours[id] = true
	}
	for _, other := range w.Recent { // newest first
		if other.Seq <= e.Seq {
			break
		}
		named := other.Issued.Target.DriverIDs // labels do not matter: who is back may have others
		if other.Issued.Command.Slot() == slot && (len(named) == 0 || slices.ContainsFunc(named, func(id string) bool { return ours[id] })) {
			return other.Seq
		}
	}
	var seq uint64
	for _, id := range ids {
		for _, want := range w.Drifts[id].Desired {
			if want.Command.Slot() == slot && want.Seq > e.Seq && !want.Reset {
				seq = max(seq, want.Seq)
			}
		}
	}
	return seq
}
