package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxBatchTargets bounds the targets of all commands of one append. A Stop that arrives meanwhile waits for the append
// and its hand-over, and so do outcomes; compared with that, an additional append costs little.
const maxBatchTargets = 2_000

// admitted is an accepted submission with its fixed targets.
type admitted struct {
	*submission
	members []swarm.Member
	issued  *swarm.Issued
}

// admit fixes the targets of the batch's submissions and answers those that are refused. rest is for the next batch: it
// begins with a submission over maxBatchTargets, or with one for which mustWait is true.
func (d *Dispatcher) admit(b batch) (accepted []admitted, rest []*submission) {
	stopping := !d.stepping()
	targets := 0
	for i, s := range b.submits {
		if s.ctx.Err() != nil {
			s.answer(submitted{err: s.ctx.Err()}) // no client waits any more, and nothing has been logged or sent
			continue
		}
		if targets >= maxBatchTargets || d.mustWait(s, b, accepted) {
			return accepted, b.submits[i:]
		}
		if stopping {
			s.answer(submitted{err: errShuttingDown})
			continue
		}
		if known, ok := d.known(s); ok {
			s.answer(known)
			continue
		}
		f, err := d.admitOne(s)
		if err != nil || s.preview {
			s.answer(submitted{issued: f.issued, err: err})
			continue
		}
		accepted = append(accepted, f)
		targets += len(f.members)
	}
	return accepted, nil
}

// mustWait reports whether a submission can be decided only after the earlier ones of the batch have been folded: a
// conditional command, a preview, or a repeated key.
func (d *Dispatcher) mustWait(s *submission, b batch, accepted []admitted) bool {
	pending := len(accepted) + len(b.resets) + len(b.expired)
	return (s.IfSeq != nil || s.preview) && pending > 0 || s.Key != "" && !s.preview && twin(accepted, s)
}

// twin reports whether a submission of the same submitter with the same key is among those accepted.
func twin(accepted []admitted, s *submission) bool {
	return slices.ContainsFunc(accepted, func(f admitted) bool { return f.Key == s.Key && f.Submitter == s.Submitter })
}

// known answers a submission whose key was used before, or cannot be remembered.
func (d *Dispatcher) known(s *submission) (submitted, bool) {
	if s.Key == "" || s.preview {
		return submitted{}, false
	}
	seq, err := d.keys.find(&s.Submission, time.Now())
	if err != nil || seq == 0 {
		return submitted{err: err}, err != nil
	}
	c, _ := d.Call(seq) // nil when it is closed: then the entry is in the log
	return submitted{call: c, seq: seq, replayed: true}, true
}

func (d *Dispatcher) admitOne(s *submission) (admitted, error) {
	condition, err := d.condition(s)
	if err != nil {
		return admitted{}, err
	}
	q := swarm.TargetQuery{Target: s.Target, Submitter: s.Submitter, Choose: true}
	if s.Command.Slot() == command.LoadSlot {
		q.Condition = condition // conditions concern load commands only, and other commands replace none
	}
	in := d.drivers.Members(q)
	if err := d.refuseIfIncomplete(s, in); err != nil {
		return admitted{}, err
	}
	targets, leftOut := fixTargets(s.Command.Type, in)
	n := len(targets)
	switch {
	case n == 0 && in.Blocked > 0:
		return admitted{}, newerCommand(in.Blocked)
	case n == 0 && s.Command.Type == command.Stop && !in.Awaited:
		return admitted{}, d.nothingToStop(s.Target)
	case n == 0 && s.Command.Type != command.Stop:
		return admitted{}, d.noActiveDrivers(s.Target)
	// a Stop waits for lost drivers, so min_drivers counts only if some target is active
	case n < s.MinDrivers && (s.Command.Type != command.Stop || anyActive(targets)):
		return admitted{}, d.notEnough(s.Target, n, s.MinDrivers)
	}
	return d.admitted(s, targets, leftOut, condition), nil
}

// refuseIfIncomplete refuses a command, but never a Stop, while this node does not know the drivers of all nodes.
func (d *Dispatcher) refuseIfIncomplete(s *submission, in swarm.Targeted) error {
	switch {
	case s.Command.Type == command.Stop:
		return nil
	case d.leaseless:
		return swarm.Errorf(swarm.CodeLogUnavailable, "this node has not reached the others for some seconds; nothing was "+
			"sent: send the command to another node, or try again")
	case in.Incomplete:
		return swarm.Errorf(swarm.CodeLogUnavailable, "a node of the cluster has not described its drivers for some "+
			"seconds, so this command might miss some; nothing was sent: try again, or send a stop, which is always taken")
	}
	return nil
}

// noActiveDrivers returns the refusal of a command that no active driver would receive.
func (d *Dispatcher) noActiveDrivers(t swarm.Target) error {
	return &swarm.Error{
		Code: swarm.CodeNoActiveDrivers, Detail: "no active driver matches the target; see GET /drivers",
		Attrs: d.withInUse(t, map[string]any{}),
	}
}

func (d *Dispatcher) notEnough(t swarm.Target, have, want int) error {
	return &swarm.Error{
		Code:   swarm.CodeNotEnoughDrivers,
		Detail: "fewer active drivers match the target than min_drivers requires; see GET /drivers",
		Attrs:  d.withInUse(t, map[string]any{"have": have, "want": want}),
	}
}

// withInUse adds the values that known drivers have for the parts of a target, because a label or an id may be
// misspelt. An empty target has no parts.
func (d *Dispatcher) withInUse(t swarm.Target, attrs map[string]any) map[string]any {
	if len(t.Labels)+len(t.DriverIDs) > 0 {
		attrs["in_use"] = d.drivers.Reach(t).InUse
	}
	return attrs
}

// nothingToStop returns the refusal of a Stop that no known driver matches, and says whether that may be a spelling
// error.
func (d *Dispatcher) nothingToStop(t swarm.Target) error {
	reach := d.drivers.Reach(t)
	detail := "no known driver matches the target, and no load is desired of any that may still connect; check the " +
		"spelling of the target, and see GET /drivers"
	if reach.Left {
		detail = "no known driver matches the target: there is nothing to stop"
	}
	return &swarm.Error{
		Code: swarm.CodeNoActiveDrivers, Detail: detail, Attrs: map[string]any{
			"in_use": reach.InUse, "nothing_to_stop": reach.Left,
		},
	}
}

func (d *Dispatcher) admitted(
	s *submission, targets []swarm.Member, leftOut []swarm.LeftOut, condition *swarm.Condition,
) admitted {
	ids := make([]string, len(targets))
	for i, m := range targets {
		ids[i] = m.DriverID
	}
	return admitted{submission: s, members: targets, issued: &swarm.Issued{
		Split: split(s.Command, targets), Cause: s.Cause, LeftOut: leftOut, Condition: condition,
		Node: d.node, Submitter: s.Submitter, Command: s.Command, Target: s.Target,
		Targets: ids, Deadline: s.Deadline, SubmittedAt: time.Now().UTC(), Key: s.Key, RequestHash: s.RequestHash,
		Via: s.Via,
	}}
}
