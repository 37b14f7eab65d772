package dispatch

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// retryEvery is how soon outcomes that the log did not take are tried again.
const retryEvery = 250 * time.Millisecond

// Run is the sequencer: it drains what waits, appends it with one call and hands new commands over in seq order. It returns
// after Shutdown. Exactly one Run per Dispatcher; the caller waits for it.
func (d *Dispatcher) Run() {
	for range d.queue.wake {
		b, ended := d.queue.take()
		if ended {
			return
		}
		if !b.empty() {
			d.step(b)
		}
	}
}

// step appends one batch and carries out what it says.
func (d *Dispatcher) step(b batch) {
	accepted := d.freeze(&b)
	lates := d.lateRecords(b.lates)
	records := make([]swarm.Record, 0, len(b.closes)+len(b.resets)+len(accepted)+len(lates))
	for _, c := range b.closes {
		records = append(records, c.closing)
	}
	for _, cause := range b.resets {
		records = append(records, &swarm.Reset{Node: d.node, At: time.Now().UTC(), Cause: cause})
	}
	for _, f := range accepted {
		records = append(records, f.issued)
	}
	for _, l := range lates {
		records = append(records, l)
	}
	if len(records) == 0 {
		return
	}
	// Never a submitter's context: what was taken on is written whoever still waits for it.
	first, err := d.log.Append(context.Background(), records)
	if err != nil {
		d.failed(b, accepted, lates, err)
		return
	}
	seq := first
	for _, c := range b.closes {
		d.closed(c)
		seq++
	}
	for range b.resets {
		d.fleet.Reset(seq)
		seq++
	}
	for _, f := range accepted {
		d.handOver(f, seq)
		seq++
	}
}

// frozen is an accepted submission with its targets.
type frozen struct {
	*submission
	seats  []swarm.Seat
	issued *swarm.Issued
}

// freeze fixes the targets of the batch's submissions and answers those that are refused. A condition on the newest command
// can only be judged when every command before it has been folded, so such a submission waits for a batch of its own.
func (d *Dispatcher) freeze(b *batch) []frozen {
	var accepted []frozen
	for i, s := range b.submits {
		if s.IfSeq != nil && len(accepted)+len(b.resets) > 0 {
			d.queue.giveBack(batch{submits: b.submits[i:]})
			break
		}
		if s.ctx.Err() != nil {
			continue // nobody waits any more, and nothing has been logged or sent
		}
		f, err := d.freezeOne(s)
		if err != nil {
			s.result <- submitted{err: err}
			continue
		}
		accepted = append(accepted, f)
	}
	return accepted
}

func (d *Dispatcher) freezeOne(s *submission) (frozen, error) {
	if d.stopping() {
		return frozen{}, errShuttingDown
	}
	if newest := d.fleet.NewestPlayers(s.Target); s.IfSeq != nil && newest != *s.IfSeq {
		return frozen{}, &swarm.Error{
			Code: swarm.CodeNewerCommand, Detail: "another command has come since the one that if_seq names", Attrs: map[string]any{"seq": newest},
		}
	}
	seats := d.fleet.Targets(s.Target)
	switch n := len(seats); {
	case n == 0:
		return frozen{}, swarm.Errorf(swarm.CodeNoActiveDrivers, "no active driver matches the target; see GET /drivers")
	case n < s.MinDrivers:
		return frozen{}, &swarm.Error{
			Code: swarm.CodeNotEnoughDrivers, Detail: "fewer active drivers match the target than min_drivers asks for; see GET /drivers",
			Attrs: map[string]any{"have": n, "want": s.MinDrivers},
		}
	}
	ids := make([]string, len(seats))
	for i, seat := range seats {
		ids[i] = seat.DriverID
	}
	return frozen{submission: s, seats: seats, issued: &swarm.Issued{
		Node: d.node, Submitter: s.Submitter, Command: s.Command, Target: s.Target,
		Targets: ids, Deadline: s.Deadline, SubmittedAt: time.Now().UTC(),
	}}, nil
}

// handOver opens the round and offers the command to the fleet. The round comes first: an ack may be back before Offer is.
func (d *Dispatcher) handOver(f frozen, seq uint64) {
	c := &Call{
		d: d, seq: seq, issued: f.issued, handedAt: time.Now(), done: make(chan struct{}),
		round: newRound(f.seats, f.Command.Type),
	}
	d.opened(c)
	c.start()
	d.fleet.Offer(swarm.Issue{Seq: seq, Command: f.Command, Target: f.Target, Targets: f.issued.Targets, Deadline: f.Deadline})
	f.result <- submitted{call: c}
}

// closed makes a durable outcome visible and opens the late book for it.
func (d *Dispatcher) closed(c *Call) {
	missing, early := c.finish()
	if d.late.expect(c.seq, c.handedAt, missing, early) {
		d.queue.late(c.seq)
	}
	d.ended(c)
}

// lateRecords turns what the late book holds into records.
func (d *Dispatcher) lateRecords(seqs []uint64) []*swarm.Late {
	var out []*swarm.Late
	for _, seq := range seqs {
		if acks := d.late.take(seq); len(acks) > 0 {
			out = append(out, &swarm.Late{Seq: seq, Node: d.node, At: time.Now().UTC(), Acks: acks})
		}
	}
	return out
}

// failed answers the submitters and keeps what has happened and must be told still: outcomes, resets and late answers.
func (d *Dispatcher) failed(b batch, accepted []frozen, lates []*swarm.Late, err error) {
	d.logger.Error("the log took no records", "err", err, "closed", len(b.closes), "issued", len(accepted))
	refusal := err
	if swarm.CodeOf(err) == swarm.CodeInternal {
		refusal = &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: "the log takes no entries at the moment; nothing was sent", Cause: err}
	}
	for _, f := range accepted {
		f.result <- submitted{err: refusal}
	}
	for _, l := range lates {
		d.late.restore(l.Seq, l.Acks)
	}
	b.submits = nil
	if b.empty() {
		return
	}
	time.AfterFunc(retryEvery, func() { d.queue.giveBack(b) })
}
