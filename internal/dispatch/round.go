package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// round gathers the verdicts of one command. Its targets are frozen; each gets exactly one verdict, the first that comes.
type round struct {
	targets  []string // sorted
	verdicts []swarm.Verdict
	waiting  int // targets without a verdict
}

// newRound opens a round over seats, sorted by driver id. A driver that cannot take the command is rejected at once.
func newRound(seats []swarm.Seat, t swarm.CommandType) *round {
	r := &round{targets: make([]string, len(seats)), verdicts: make([]swarm.Verdict, len(seats)), waiting: len(seats)}
	for i, s := range seats {
		r.targets[i] = s.DriverID
		if !s.Supports(t) {
			r.decide(i, swarm.Verdict{Kind: swarm.Rejected, Code: swarm.CodeUnsupportedCommand, Detail: "the driver does not take " + string(t)})
		}
	}
	return r
}

// answer takes a driver's reply. It reports whether the reply decided the verdict, and what the verdict was before
// (Undecided for a stranger too).
func (r *round) answer(id string, reply swarm.Reply, latency time.Duration) (decided bool, before swarm.VerdictKind) {
	i, ok := r.index(id)
	if !ok {
		return false, swarm.Undecided
	}
	before = r.verdicts[i].Kind
	v := swarm.Verdict{Kind: swarm.Acked, Latency: latency}
	if !reply.Applied {
		v = swarm.Verdict{Kind: swarm.Rejected, Latency: latency, Code: reply.Code, Detail: reply.Detail}
	}
	return r.decide(i, v), before
}

// gone marks a driver missing whose session ended before it answered.
func (r *round) gone(id string, reason swarm.Reason) bool {
	i, ok := r.index(id)
	return ok && r.decide(i, swarm.Verdict{Kind: swarm.Missing, Reason: reason})
}

// superseded marks a driver to which a newer command goes in place of this one.
func (r *round) superseded(id string) bool {
	i, ok := r.index(id)
	return ok && r.decide(i, swarm.Verdict{Kind: swarm.Superseded})
}

// undecided returns the ids that have no verdict yet.
func (r *round) undecided() []string {
	ids := make([]string, 0, r.waiting)
	for i, v := range r.verdicts {
		if v.Kind == swarm.Undecided {
			ids = append(ids, r.targets[i])
		}
	}
	return ids
}

// expire marks every driver without a verdict missing, for the reason that why gives.
func (r *round) expire(why func(id string) swarm.Reason) {
	for i := range r.verdicts {
		if r.verdicts[i].Kind == swarm.Undecided {
			r.decide(i, swarm.Verdict{Kind: swarm.Missing, Reason: why(r.targets[i])})
		}
	}
}

// done reports whether every target has its verdict.
func (r *round) done() bool { return r.waiting == 0 }

// missing returns the ids whose verdict is Missing, sorted.
func (r *round) missing() []string {
	var ids []string
	for i, v := range r.verdicts {
		if v.Kind == swarm.Missing {
			ids = append(ids, r.targets[i])
		}
	}
	return ids
}

func (r *round) decide(i int, v swarm.Verdict) bool {
	if r.verdicts[i].Kind != swarm.Undecided {
		return false
	}
	r.verdicts[i] = v
	r.waiting--
	return true
}

func (r *round) index(id string) (int, bool) { return slices.BinarySearch(r.targets, id) }
