package plan

import (
	"context"
	"fmt"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

const (
	askLimit  = 5 * time.Second        // that a run tries to find out whose command is newer
	checkPace = 500 * time.Millisecond // between two questions whether somebody else commands
	lookLimit = time.Second            // of one question in a hold: a server that is away must not hold up the plan
)

// pause lets time pass, unless ctx ends or somebody else commands drivers of the run.
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

// check asks the server whether a Stop of ours would still be taken. It is refused for a newer command of somebody else
// that concerns a driver of the run: only the server can tell which do. Any other refusal, and no answer, is no
// takeover.
func (r *Runner) check(ctx context.Context) error {
	const most = 5 // commands of our own, one after the other
	for range most {
		if r.older.noDryRun || !r.known || !r.sent.Load() || r.unheard {
			return nil
		}
		limited, cancel := context.WithTimeout(ctx, lookLimit)
		_, err := r.Client.DryRun(limited, remote.Submission{
			Submitter: r.Submitter, Command: remote.Command{Type: command.Stop}, Target: r.Plan.Aim(),
			IfSeq: &r.newest,
		})
		cancel()
		r.older.noDryRun = remote.CannotDryRun(err)
		seq, newer := remote.Newer(err)
		if !newer || seq == r.newest {
			return nil
		}
		what, unsure := r.whose(ctx, seq)
		if unsure {
			return nil // the next question finds out
		}
		if what != "" {
			r.taken = taken(what, remote.RefusalOf(err))
			return r.taken
		}
		r.newest = seq
	}
	return nil
}

// takenBy returns nil when the newest command is no one else's. When that cannot be found out it is somebody else's: it
// may be a stop.
func (r *Runner) takenBy(ctx context.Context, seq int64, refusal error) error {
	if !r.known && seq <= r.start {
		return nil // it was there before the run
	}
	what, unsure := r.whose(ctx, seq)
	if unsure {
		what = "somebody else commands these drivers now"
	}
	if what == "" {
		return nil
	}
	return taken(what, refusal)
}

func taken(what string, refusal error) error {
	return &clierr.Error{
		Code:  clierr.Superseded,
		What:  what,
		Cause: refusal,
		Hint:  "the run ends here and does not undo it; see swarmcall commands list",
	}
}

// whose says who has issued an entry, "" for this run: a step whose answer was lost, a total that the server has split
// again, or a reset, which is a record and no entry. It is unsure when the server does not answer.
func (r *Runner) whose(ctx context.Context, seq int64) (what string, unsure bool) {
	// An interruption must not make it somebody else's.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	newer, err := r.Client.Outcome(ctx, seq, 0)
	if remote.IsRefused(err, api.NotFound) {
		return "", false
	}
	if err != nil {
		return "", true
	}
	e := newer.Value
	if e.Submitter == r.Submitter && strings.HasPrefix(remote.CommandOf(e).Note, r.ID+" ") {
		r.adopt(e)
		return "", false
	}
	return fmt.Sprintf("%s commands these drivers now: %s (entry %d)", e.Submitter, remote.CommandOf(e), e.Seq), false
}

// adopt notes a command of this run.
func (r *Runner) adopt(e remote.Entry) {
	if remote.CommandOf(e).Slot() != command.LoadSlot {
		return
	}
	r.newest, r.known = e.Seq, true
	r.own[e.Seq] = isLoad(e) && wants(e)
	if isLoad(e) {
		r.load = max(r.load, e.Seq)
	}
}

func isLoad(e remote.Entry) bool {
	return e.Seq > 0 && isLevel(remote.CommandOf(e))
}

// wants tells a command that wants players from one that wants none.
func wants(e remote.Entry) bool { return remote.CommandOf(e).Load() }
