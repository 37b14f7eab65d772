package submit

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

const (
	convergeLimit = time.Minute
	convergePace  = 250 * time.Millisecond
)

// converge waits until the drivers report what the command asks for. A stale or disconnected driver never does.
func (j Job) converge(ctx context.Context, c *remote.Client, e remote.Entry, began time.Time) error {
	limit := j.Timeout
	if limit == 0 {
		limit = convergeLimit
	}
	defer j.Line.Keep()
	for {
		p, err := Measure(ctx, c, e.Seq)
		if err != nil {
			return err
		}
		j.Line.Draw(j.Line.Players(remote.CommandOf(e).String(), p.Actual, p.Target))
		if p.Newer > 0 {
			return overtaken(ctx, c, e, p.Newer)
		}
		if left := p.Meant - p.Converged; p.Done() || left <= p.Excused() && j.Allow.Covers(left, p.Meant) {
			j.Line.Say("converged: %d drivers report it, %d players, after %v",
				p.Converged, p.Actual, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if time.Since(began) > limit {
			return notConverged(p, limit)
		}
		if !remote.Sleep(ctx, convergePace) {
			return ctx.Err()
		}
	}
}

// notConverged reports how many drivers report the command, and how many are unknown.
func notConverged(p Progress, limit time.Duration) error {
	what := fmt.Sprintf("not converged after %v: %d of %d drivers report it", limit, p.Converged, p.Meant)
	if n := len(p.Unknown); n > 0 {
		what += fmt.Sprintf(", %d unknown", n)
	}
	var seen []string
	for _, id := range slices.Sorted(maps.Keys(p.Unknown)) {
		seen = append(seen, id+" unknown: stale or disconnected")
	}
	return &clierr.Error{
		Code: clierr.Timeout, What: what, Cause: errors.New(p.String()), Detail: seen[:min(len(seen), 10)],
		Hint: "allow more time for a slow ramp: --timeout 5m; list the drivers that lag: swarmcall state --drift " +
			"drifting, " +
			"swarmcall state --drift unknown",
	}
}

// overtaken is the error when a newer command reaches drivers before all of them reported this one.
func overtaken(ctx context.Context, c *remote.Client, e remote.Entry, seq int64) error {
	err := &clierr.Error{
		Code: clierr.Superseded, What: fmt.Sprintf("not converged: entry %d commands these drivers now", seq),
		Cause: fmt.Errorf("%s (entry %d) was not reported by all drivers before that", remote.CommandOf(e), e.Seq),
		Hint:  fmt.Sprintf("the newer command stays in force; see who sent it: swarmcall commands show %d", seq),
	}
	a, asked := c.Outcome(ctx, seq, 0)
	switch p := remote.RefusalOf(asked); {
	case asked == nil:
		err.What = "not converged: " + verdict.InForce(a.Value)
	case p != nil && p.Code == api.NotFound: // a reset is a record, not an entry
		err.What, err.Hint = "not converged: the server has since reset the load to zero", "what is desired now: "+
			"swarmcall state"
	}
	return err
}
