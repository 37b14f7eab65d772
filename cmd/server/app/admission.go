package app

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// admission lets a command through to the dispatcher if its principal may issue it. The API and the dashboard both
// submit through it, so neither can forget a check.
type admission struct {
	dispatcher *dispatch.Dispatcher
	take       func(principal string, t command.Type) (wait time.Duration, ok bool) // nil: there is no rate limit
	refused    func(error)                                                          // counts what is refused
}

func (s *server) admission() admission {
	a := admission{dispatcher: s.dispatcher, refused: s.metrics.Commands.Refused}
	if s.access != nil {
		a.take = s.access.budgets.Command
	}
	return a
}

// Submit issues a command of the principal of ctx.
func (a admission) Submit(ctx context.Context, s swarm.Submission) (dispatch.Receipt, error) {
	r, err := a.submit(ctx, s)
	if err != nil {
		a.refused(err)
	}
	return r, err
}

func (a admission) submit(ctx context.Context, s swarm.Submission) (dispatch.Receipt, error) {
	p := swarm.PrincipalOf(ctx)
	if err := p.MaySubmit(s.Command.Type, s.Target); err != nil {
		return dispatch.Receipt{}, err
	}
	if a.take != nil {
		if wait, ok := a.take(p.Name, s.Command.Type); !ok {
			return dispatch.Receipt{}, &swarm.Error{
				Code: swarm.CodeRateLimited, Detail: p.Name + " sends too many commands; GET /limits has the rates",
				Attrs: map[string]any{"retry_after": wait},
			}
		}
	}
	s.Via = swarm.ViaOf(ctx)
	return a.dispatcher.Submit(ctx, s)
}

// Preview returns what Submit would do. It uses up no rate.
func (a admission) Preview(ctx context.Context, s swarm.Submission) (*swarm.Issued, error) {
	if err := swarm.PrincipalOf(ctx).MaySubmit(s.Command.Type, s.Target); err != nil {
		return nil, err
	}
	return a.dispatcher.Preview(ctx, s)
}
