package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// round collects the verdicts of one command. Its targets are fixed; each gets exactly one verdict, the first that
// arrives.
type round struct {
	targets      []string // sorted
	verdicts     []swarm.Verdict
	unresponsive []bool // by target; nil when none is
	patient      bool   // wait for the unresponsive drivers too: all targets are unresponsive
	waiting      int    // targets without a verdict that the round waits for
	flagged      int    // unresponsive targets without a verdict
}

// newRound opens a round over members, sorted by driver id. A driver that does not support the command is rejected at
// once, and a lost driver is missing at once.
func newRound(members []swarm.Member, t command.Type) *round {
	r := &round{targets: make([]string, len(members)), verdicts: make([]swarm.Verdict, len(members))}
	for i, s := range members {
		r.targets[i] = s.DriverID
		switch {
		case s.Lost != "":
			r.verdicts[i] = swarm.Verdict{Kind: swarm.Missing, Reason: s.Lost}
		case !s.Supports(t):
			r.verdicts[i] = swarm.Verdict{
				Kind: swarm.Rejected, Code: swarm.CodeUnsupportedCommand, Detail: "the driver does not support " +
					string(t),
			}
		case s.Unresponsive:
			r.flag(i)
		default:
			r.waiting++
		}
	}
	r.patient = r.waiting == 0
	return r
}

func (r *round) flag(i int) {
	if r.unresponsive == nil {
		r.unresponsive = make([]bool, len(r.targets))
	}
	r.unresponsive[i] = true
	r.flagged++
}

// answer handles a driver's reply. It reports whether the reply decided the verdict, and the previous verdict
// (Undecided also for a driver that is not a target).
func (r *round) answer(id string, reply swarm.Reply, latency time.Duration) (decided bool, before swarm.VerdictKind) {
	i, ok := r.index(id)
	if !ok {
		return false, swarm.Undecided
	}
	before = r.verdicts[i].Kind
	return r.decide(i, verdictOf(reply, latency)), before
}

// settle decides the verdict of a driver, if it is a target without one.
func (r *round) settle(id string, v swarm.Verdict) bool {
	i, ok := r.index(id)
	return ok && r.decide(i, v)
}

func verdictOf(reply swarm.Reply, latency time.Duration) swarm.Verdict {
	if reply.Applied {
		return swarm.Verdict{Kind: swarm.Acked, Latency: latency}
	}
	return swarm.Verdict{Kind: swarm.Rejected, Latency: latency, Code: reply.Code, Detail: reply.Detail}
}

// undecided returns the ids that have no verdict yet.
func (r *round) undecided() []string {
	ids := make([]string, 0, r.waiting+r.flagged)
	for i, v := range r.verdicts {
		if v.Kind == swarm.Undecided {
			ids = append(ids, r.targets[i])
		}
	}
	return ids
}

// expire marks every driver without a verdict as missing, for the reason that why gives. If a driver is unresponsive,
// that is its reason, not the deadline.
func (r *round) expire(why func(id string) swarm.Reason) {
	for i := range r.verdicts {
		if r.verdicts[i].Kind != swarm.Undecided {
			continue
		}
		reason := why(r.targets[i])
		if reason == swarm.ReasonDeadline && r.isFlagged(i) {
			reason = swarm.ReasonUnresponsive
		}
		r.decide(i, swarm.Verdict{Kind: swarm.Missing, Reason: reason})
	}
}

// done reports whether there is no driver left to wait for. Unresponsive drivers may still have no verdict then: expire
// sets it.
func (r *round) done() bool { return r.waiting == 0 && (!r.patient || r.flagged == 0) }

// missing returns the ids whose verdict is Missing for a reason that wanted accepts, sorted.
func missing(targets []string, verdicts []swarm.Verdict, wanted func(swarm.Reason) bool) []string {
	var ids []string
	for i, v := range verdicts {
		if v.Kind == swarm.Missing && wanted(v.Reason) {
			ids = append(ids, targets[i])
		}
	}
	return ids
}

func (r *round) decide(i int, v swarm.Verdict) bool {
	if r.verdicts[i].Kind != swarm.Undecided {
		return false
	}
	r.verdicts[i] = v
	if r.isFlagged(i) {
		r.flagged--
	} else {
		r.waiting--
	}
	return true
}

func (r *round) isFlagged(i int) bool { return r.unresponsive != nil && r.unresponsive[i] }

func (r *round) index(id string) (int, bool) { return slices.BinarySearch(r.targets, id) }
