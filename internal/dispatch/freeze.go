package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxBatchTargets bounds how many verdicts the commands of one append may want together: the outcomes that come in meanwhile
// wait for its hand-over, and its records have to fit into memory.
const maxBatchTargets = 50_000

// frozen is an accepted submission with its targets.
type frozen struct {
	*submission
	seats  []swarm.Seat
	issued *swarm.Issued
}

// freeze fixes the targets of the batch's submissions and answers those that are refused. What has to wait goes back to the
// head of the queue: what is over maxBatchTargets, a condition on the newest command, which can only be judged when every
// command before it has been folded, and a key that a submission of this batch brings already.
func (d *Dispatcher) freeze(b batch) []frozen {
	stopping := !d.stepping()
	var accepted []frozen
	targets := 0
	for i, s := range b.submits {
		if targets >= maxBatchTargets || s.IfSeq != nil && len(accepted)+len(b.resets) > 0 || s.Key != "" && twin(accepted, s) {
			d.queue.giveBack(batch{submits: b.submits[i:]})
			d.queue.nudge()
			break
		}
		if s.ctx.Err() != nil {
			continue // nobody waits any more, and nothing has been logged or sent
		}
		if stopping {
			s.result <- submitted{err: errShuttingDown}
			continue
		}
		if known, ok := d.known(s); ok {
			s.result <- known
			continue
		}
		f, err := d.freezeOne(s)
		if err != nil {
			s.result <- submitted{err: err}
			continue
		}
		accepted = append(accepted, f)
		targets += len(f.seats)
	}
	return accepted
}

// twin reports whether a submission of the same submitter with the same key is among those accepted.
func twin(accepted []frozen, s *submission) bool {
	return slices.ContainsFunc(accepted, func(f frozen) bool { return f.Key == s.Key && f.Submitter == s.Submitter })
}

// known answers a submission whose key was used before, or cannot be used.
func (d *Dispatcher) known(s *submission) (submitted, bool) {
	if s.Key == "" {
		return submitted{}, false
	}
	seq, err := d.keys.find(&s.Submission, time.Now())
	if err != nil || seq == 0 {
		return submitted{err: err}, err != nil
	}
	c, _ := d.Call(seq) // nil when it is closed: then the log has it
	return submitted{call: c, seq: seq, replayed: true}, true
}

func (d *Dispatcher) freezeOne(s *submission) (frozen, error) {
	if s.IfSeq != nil {
		if newest := d.fleet.NewestPlayers(s.Target); newest != *s.IfSeq {
			return frozen{}, &swarm.Error{
				Code: swarm.CodeNewerCommand, Detail: "another command has come since the one that if_seq names", Attrs: map[string]any{"seq": newest},
			}
		}
	}
	seats := d.fleet.Targets(s.Target)
	switch n := len(seats); {
	case n == 0 && s.Command.Type == swarm.Stop:
		return d.freezeStop(s)
	case n == 0:
		return frozen{}, swarm.Errorf(swarm.CodeNoActiveDrivers, "no active driver matches the target; see GET /drivers")
	case n < s.MinDrivers:
		return frozen{}, &swarm.Error{
			Code: swarm.CodeNotEnoughDrivers, Detail: "fewer active drivers match the target than min_drivers asks for; see GET /drivers",
			Attrs: map[string]any{"have": n, "want": s.MinDrivers},
		}
	}
	return d.frozen(s, seats), nil
}

// freezeStop accepts a Stop though no driver is active: while there is load to be stopped, or a driver that may come back with
// some, it is logged, and waits for them. It asks no number of drivers.
func (d *Dispatcher) freezeStop(s *submission) (frozen, error) {
	lost, loaded := d.fleet.Lost(s.Target)
	if len(lost) == 0 && !loaded {
		return frozen{}, swarm.Errorf(swarm.CodeNoActiveDrivers, "no driver matches the target, active or not, and no load is desired of it; see GET /drivers")
	}
	return d.frozen(s, lost), nil
}

func (d *Dispatcher) frozen(s *submission, seats []swarm.Seat) frozen {
	ids := make([]string, len(seats))
	for i, seat := range seats {
		ids[i] = seat.DriverID
	}
	return frozen{submission: s, seats: seats, issued: &swarm.Issued{
		Split: split(s.Command, seats), Cause: s.Cause,
		Node: d.node, Submitter: s.Submitter, Command: s.Command, Target: s.Target,
		Targets: ids, Deadline: s.Deadline, SubmittedAt: time.Now().UTC(), Key: s.Key, RequestHash: s.RequestHash,
	}}
}
