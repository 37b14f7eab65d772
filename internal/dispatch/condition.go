package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// condition judges the if_seq of a submission and returns what is stored of it, nil for none. All commands before it
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
	// What is not there yet cannot have been seen: else the command would not yield to what comes before that.
	return &swarm.Condition{IfSeq: *s.IfSeq, Base: min(base, d.fold.Last())}, nil
}

// base follows a chain of conditional commands of one submitter to what its first command was based on.
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
		Code: swarm.CodeNewerCommand, Detail: "another command has come since the one that if_seq names", Attrs: map[string]any{
			"seq": seq,
		},
	}
}
