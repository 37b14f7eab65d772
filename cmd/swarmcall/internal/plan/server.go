package plan

import (
	"context"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// Server is what a run needs from a server: commands and drivers.
type Server interface {
	commands
	drivers
	Whoami(context.Context) (remote.Answer[remote.Identity], error)
	Retries() int64 // the number of retried requests: when it grows, the server may have been unavailable
}

type commands interface {
	Commands(context.Context, remote.CommandFilter) (remote.Page[remote.Entry], error)
	Issue(ctx context.Context, s remote.Submission, key string) (remote.Answer[remote.Entry], error)
	DryRun(context.Context, remote.Submission) (remote.Answer[api.DryRun], error)
	Outcome(ctx context.Context, seq int64, limit time.Duration) (remote.Answer[remote.Entry], error)
}

type drivers interface {
	Drivers(context.Context, remote.DriverFilter) (remote.Page[remote.Driver], error)
	Drift(context.Context) (remote.Page[api.DriverDrift], error)
}

var _ Server = (*remote.Client)(nil)

// roster returns the state of every driver that the server knows and that the plan is for.
func (p *Plan) roster(ctx context.Context, s drivers) (map[string]api.DriverState, error) {
	f := remote.DriverFilter{}
	var ids []string
	if t := p.Target; t != nil {
		ids, f.Labels = t.DriverIDs, remote.LabelFilter(t.Labels)
	}
	page, err := s.Drivers(ctx, f)
	states := map[string]api.DriverState{}
	for _, d := range page.Items {
		if len(ids) == 0 || slices.Contains(ids, d.DriverId) {
			states[d.DriverId] = d.State
		}
	}
	return states, err
}

// count returns how many drivers are in a state.
func count(states map[string]api.DriverState, state api.DriverState) (n int) {
	for _, s := range states {
		if s == state {
			n++
		}
	}
	return n
}
