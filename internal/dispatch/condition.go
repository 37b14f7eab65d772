package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// condition evaluates the if_seq of a submission and returns the condition to store, nil for none. All earlier commands
// must have been folded.
func (d *Dispatcher) condition(s *submission) (*swarm.Condition, error) {
	if s.IfSeq == nil {
		return nil, nil
	}
	if newest := d.fold.NewestLoad(s.Target); newest > *s.IfSeq {
		return nil, newerCommand(newest)
	}
	base, err := d.base(*s.IfSeq, s.Submitter)
	if err != nil {
		return nil, err
	}
	// The client cannot have seen a seq that does not exist yet. Otherwise the command would not yield to earlier
	// commands.
	return &swarm.Condition{IfSeq: *s.IfSeq, Base: min(base, d.fold.Last())}, nil
}

// base follows a chain of conditional commands of one submitter back to the base of its first command.
func (d *Dispatcher) base(ifSeq uint64, submitter string) (uint64, error) {
	if ifSeq == 0 || ifSeq > d.fold.Last() {
		return ifSeq, nil
	}
	if base, known := d.fold.Base(ifSeq, submitter); known {
		return base, nil
	}
	e, err := d.log.Entry(context.Background(), ifSeq)
	switch {
	case swarm.CodeOf(err) == swarm.CodeNotFound: // a reset, or no command at all
		return ifSeq, nil
	case err != nil:
		return 0, &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "the entry that if_seq names cannot be read; nothing was sent",
			Cause: err,
		}
	case e.Issued.Submitter == submitter && e.Issued.Condition != nil:
		return e.Issued.Condition.Base, nil
	}
	return ifSeq, nil
}

func newerCommand(seq uint64) error {
	return &swarm.Error{
		Code: swarm.CodeNewerCommand, Detail: "another command was issued after the one that if_seq names",
		Attrs: map[string]any{
			"seq": seq,
		},
	}
}
