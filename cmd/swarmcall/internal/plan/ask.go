package plan

import (
	"context"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

const (
	askLimit  = 5 * time.Second        // limit for finding out who issued the newer command
	checkPace = 500 * time.Millisecond // between two checks whether another submitter commands
	lookLimit = time.Second            // of one request in a hold: an unavailable server must not delay the plan
)

// pause lets time pass, unless ctx ends or another submitter commands drivers of the run.
func (r *Runner) pause(ctx context.Context, d time.Duration) error {
	for end := time.Now().Add(d); ; {
		if !remote.Sleep(ctx, min(max(time.Until(end), 0), checkPace)) {
			return ctx.Err()
		}
		if time.Since(r.checked) >= checkPace {
			err := r.check(ctx)
			r.checked = time.Now()
			if err != nil {
				return err
			}
		}
		if !time.Now().Before(end) {
			return nil
		}
	}
}

// check asks the server whether it would still accept a Stop of ours. The server refuses it if another submitter has a
// newer command for a driver of the run: only the server can determine which do. Any other refusal, and a missing
// answer, is not a takeover.
func (r *Runner) check(ctx context.Context) error {
	const most = 5 // our own commands, one after the other
	for range most {
		if r.older.noDryRun || !r.claim.known || !r.sent.Load() || r.unheard {
			return nil
		}
		limited, cancel := context.WithTimeout(ctx, lookLimit)
		_, err := r.Server.DryRun(limited, remote.Submission{
			Submitter: r.Submitter, Command: remote.Command{Type: command.Stop}, Target: r.Plan.Aim(),
			IfSeq: &r.claim.newest,
		})
		cancel()
		r.older.noDryRun = remote.CannotDryRun(err)
		seq, newer := remote.Newer(err)
		if !newer || seq == r.claim.newest {
			return nil
		}
		switch what, unsure := r.describeIssuer(ctx, seq); {
		case unsure:
			return nil // the next check finds out
		case what != "":
			r.taken = taken(what, remote.RefusalOf(err))
			return r.taken
		}
		r.claim.newest = seq
	}
	return nil
}

// takenBy returns nil if the newest command is ours. If that cannot be determined, it counts as another submitter's: it
// may be a stop.
func (r *Runner) takenBy(ctx context.Context, seq int64, refusal error) error {
	if r.claim.older(seq) {
		return nil
	}
	what, unsure := r.describeIssuer(ctx, seq)
	if unsure {
		what = "another submitter commands these drivers now"
	}
	if what == "" {
		return nil
	}
	return taken(what, refusal)
}

// describeIssuer describes who issued an entry; "" for this run, or for a reset, which is a record and not an entry. It
// is unsure if the server does not answer.
func (r *Runner) describeIssuer(ctx context.Context, seq int64) (what string, unsure bool) {
	// An interruption must not count as another submitter.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	newer, err := r.Server.Outcome(ctx, seq, 0)
	if remote.IsRefused(err, api.NotFound) {
		return "", false
	}
	if err != nil {
		return "", true
	}
	return r.claim.describeIssuer(newer.Value), false
}

// deregistered asks the server which drivers have deregistered, using the entries that have reached them. An older
// server cannot answer that.
func (r *Runner) deregistered(ctx context.Context, ids []string) map[string]bool {
	left := map[string]bool{}
	for _, seq := range r.drivers.reachedBy(ids) {
		a, err := r.Server.Outcome(ctx, seq, 0)
		if err != nil {
			continue // the next check finds out
		}
		for _, id := range remote.Deregistered(a.Value) {
			left[id] = true
		}
	}
	return left
}

// release drops the absent drivers that have deregistered, and returns the others.
func (r *Runner) release(ctx context.Context, absent []string) (lost []string) {
	left, lost := r.drivers.release(absent, r.deregistered(ctx, absent))
	if len(left) > 0 {
		r.Line.Say("the run goes on without %s: deregistered", verdict.Some(left))
	}
	return lost
}

// entries reads some entries of the log in their present state.
func (r *Runner) entries(ctx context.Context, seqs []int64) (entries []remote.Entry, _ error) {
	for _, seq := range seqs {
		a, err := r.Server.Outcome(ctx, seq, 0)
		if err != nil {
			return nil, err
		}
		entries = append(entries, a.Value)
	}
	return entries, nil
}
