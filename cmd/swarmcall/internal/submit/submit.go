// Package submit sends one command and follows it until it is answered, the load has converged, or the timeout is over.
package submit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// What to wait for.
const (
	WaitNone      = "none"      // for the entry to be in the log
	WaitAcked     = "acked"     // for its outcome
	WaitConverged = "converged" // for the drivers to report it
)

// Job is one command and how to follow it.
type Job struct {
	remote.Submission
	Key     string
	Allow   verdict.Allow
	Wait    string
	Timeout time.Duration // of the wait; 0: until the deadline, and a minute to converge
	Line    *console.Line
}

// Result is the outcome of a Job. The entry is empty if none was made.
type Result struct {
	Key   string
	Entry remote.Answer[remote.Entry]
	Said  string // the result in words if no entry was made
	Err   error
}

// Run sends the command. The error determines the exit code.
func (j Job) Run(ctx context.Context, c *remote.Client) Result {
	r := Result{Key: j.Key}
	retries := c.Retries()
	if r.Entry, r.Err = j.issue(ctx, c); r.Err != nil {
		if remote.NothingToStop(r.Err) {
			r.Said, r.Err = j.nothingToStop(), nil
			j.Line.Say("%s", r.Said)
		}
		return r
	}
	e := r.Entry.Value
	if r.Entry.Replayed && c.Retries() == retries { // otherwise our own first try may have been accepted
		j.Line.Say("this key was used before: entry %d is from %s; nothing was sent again",
			e.Seq, e.SubmittedAt.UTC().Format("15:04:05 UTC"))
	}
	if spread := verdict.Spread(remote.CommandOf(e), e.Counts.Targeted); spread != "" {
		j.Line.Say("%s", spread)
	}
	if j.Wait == WaitNone && !remote.ReachedNoDriver(e) {
		j.Line.Say("sent: entry %d, to %s; its outcome: swarmcall commands show %d", e.Seq, sentTo(e), e.Seq)
		return r
	}
	began := time.Now()
	r.Entry, r.Err = j.outcome(ctx, c, r.Entry)
	if r.Err != nil {
		r.Err = j.stoppedWaiting(ctx, e, r.Err)
		return r
	}
	j.Line.Say("%s", verdict.Sentence(r.Entry.Value))
	if r.Err = verdict.Error(r.Entry.Value, j.Allow); r.Err != nil || j.Wait != WaitConverged ||
		remote.ReachedNoDriver(r.Entry.Value) {
		return r
	}
	if err := j.converge(ctx, c, r.Entry.Value, began); err != nil {
		r.Err = j.stoppedWaiting(ctx, e, err)
	}
	return r
}

// nothingToStop explains why a refused Stop counts as a success: the server knows that its drivers have deregistered.
func (j Job) nothingToStop() string {
	if j.Target == nil {
		return "nothing to stop: there are no drivers"
	}
	return "nothing to stop: the drivers that matched have deregistered"
}

// sentTo describes how many drivers an entry goes to, and how many it does not reach.
func sentTo(e remote.Entry) string {
	text := verdict.Drivers(e.Counts.Targeted)
	if left := remote.LeftOutText(e); left != "" {
		text += ", " + left
	}
	return text
}

// issue sends the command. A timeout bounds this request too, but not below a minimum: a shorter timeout is meant for
// the outcome, and writing to disk takes time.
func (j Job) issue(ctx context.Context, c *remote.Client) (remote.Answer[remote.Entry], error) {
	const moment = time.Second
	if j.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, max(j.Timeout, moment))
		defer cancel()
		ctx = limited
	}
	a, err := c.Issue(ctx, j.Submission, j.Key)
	if e, ok := errors.AsType[*clierr.Error](err); ok && remote.NoAnswer(err) {
		e.Hint += "\nthe command may have been sent; to retry without sending it twice, repeat the call with " +
			"--idempotency-key " + j.Key
	}
	return a, err
}

// outcome waits for the outcome and shows its progress.
func (j Job) outcome(
	ctx context.Context, c *remote.Client, open remote.Answer[remote.Entry],
) (remote.Answer[remote.Entry], error) {
	if remote.Closed(open.Value) {
		return open, nil
	}
	limit := j.Timeout
	if limit == 0 {
		limit = remote.OutcomeLimit(open.Value)
	}
	shown := j.follow(ctx, c, open.Value)
	a, err := c.Outcome(ctx, open.Value.Seq, limit)
	shown()
	if err != nil {
		return open, remote.StillOpen(open.Value.Seq, err)
	}
	k := a.Value.Counts
	j.Line.Draw(j.Line.Bar(remote.CommandOf(a.Value).String(), console.Acks{
		Targeted: k.Targeted, Acked: k.Acked, Rejected: k.Rejected, Missing: k.Missing, Superseded: k.Superseded,
		LeftOut: remote.CountLeftOut(a.Value),
	}))
	j.Line.Keep()
	return a, nil
}

// follow draws the acks so far, from the roster, until the returned function is called.
func (j Job) follow(ctx context.Context, c *remote.Client, e remote.Entry) (stop func()) {
	if !j.Line.Animated() {
		return func() {}
	}
	const pace = 100 * time.Millisecond
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { // owned by outcome, which waits for it with stop
		defer close(done)
		for remote.Sleep(ctx, pace) {
			roster, err := c.Drivers(ctx, remote.DriverFilter{})
			if err != nil {
				continue // the wait itself reports an unavailable server
			}
			acks := console.Acks{Targeted: e.Counts.Targeted, LeftOut: remote.CountLeftOut(e)}
			for _, d := range roster.Items {
				if d.LastAck != nil && d.LastAck.Seq == e.Seq {
					acks.Acked++
				}
			}
			j.Line.Draw(j.Line.Bar(remote.CommandOf(e).String(), acks))
		}
	}()
	return func() { cancel(); <-done }
}

// stoppedWaiting is the error of an interrupted wait: the entry continues on the server.
func (j Job) stoppedWaiting(ctx context.Context, e remote.Entry, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &clierr.Error{
		Code: clierr.Interrupted, What: fmt.Sprintf("stopped waiting; entry %d continues on the server", e.Seq),
		Hint: fmt.Sprintf("see its outcome: swarmcall commands show %d\nto end the load: %s",
			e.Seq, remote.StopLine(j.Target)),
	}
}
