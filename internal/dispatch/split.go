package dispatch

import (
	"context"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// split divides a total over those members that support it; nil for a command without a total.
func split(c swarm.Command, members []swarm.Member) []int64 {
	if !c.Total {
		return nil
	}
	var shares []swarm.Share
	var places []int
	for i, s := range members {
		if s.Supports(c.Type) {
			shares = append(shares, s.Share)
			places = append(places, i)
		}
	}
	row, _ := c.Type.Row()
	parts, _ := swarm.Split(c.Value, row.Max, shares)
	all := make([]int64, len(members))
	for i, n := range parts {
		all[places[i]] = n
	}
	return all
}

// Resplit issues a total again, because the set of drivers to split it over has changed. It does so for the same
// submitter, and only if no submitter has commanded its targets since, so that it never undoes a Stop. It does not
// block.
func (d *Dispatcher) Resplit(seq uint64, change string, drivers []string) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.refusing {
		return
	}
	d.background.Go(func() { // joined by Shutdown; bounded as every submission is
		ctx := context.Background()
		e, err := d.log.Entry(ctx, seq)
		if err != nil {
			d.logger.Error("a total cannot be split again", "seq", seq, "command_id", seq, "err", err)
			return
		}
		s := swarm.Submission{
			Submitter: e.Issued.Submitter, Command: e.Issued.Command, Target: e.Issued.Target,
			Deadline: e.Issued.Deadline,
			IfSeq:    &seq, Cause: "split again: " + someOf(drivers) + " " + change,
		}
		d.follow(ctx, &s)
		r, err := d.Submit(ctx, s)
		if err != nil {
			d.logger.Warn("a total was not split again", "seq", seq, "command_id", seq, "change", change,
				"drivers", len(drivers), "err", err)
			return
		}
		d.logger.Info("a total was split again", "seq", r.Seq(), "command_id", r.Seq(), "of", seq, "change", change,
			"drivers", len(drivers), "submitter", s.Submitter)
	})
}

// someOf names the first few drivers.
func someOf(ids []string) string {
	const most = 5
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return strings.Join(ids[:most], ", ") + " and more"
}
