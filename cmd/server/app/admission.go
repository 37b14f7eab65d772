package app

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/trace"
)

// admission lets a command through to the dispatcher if its principal may issue it. The API and the dashboard both
// submit through it, so neither can forget a check.
type admission struct {
	dispatcher *dispatch.Dispatcher
	traces     *trace.Tracer
	take       func(principal string, t command.Type) (wait time.Duration, ok bool) // nil: there is no rate limit
	refused    func(error)                                                          // counts what is refused
}

func (s *server) admission() admission {
	a := admission{dispatcher: s.dispatcher, traces: s.traces, refused: s.metrics.Commands.Refused}
	if s.access != nil {
		a.take = s.access.budgets.Command
	}
	return a
}

// Submit issues a command of the principal of ctx.
func (a admission) Submit(ctx context.Context, s swarm.Submission) (dispatch.Receipt, error) {
	a.traces.Begin(ctx, &s)
	r, err := a.submit(ctx, s)
	about := swarm.About{Submitter: s.Submitter, TraceID: swarm.TraceID(s.Traceparent)}
	if err == nil {
		about.Seq = r.Seq()
	} else {
		a.refused(err)
	}
	swarm.RequestOf(ctx).Submits(about)
	return r, err
}

func (a admission) submit(ctx context.Context, s swarm.Submission) (dispatch.Receipt, error) {
	p := swarm.PrincipalOf(ctx)
	if err := p.MaySubmit(s.Command.Type, s.Target); err != nil {
		return dispatch.Receipt{}, s.Refuse(err)
	}
	if a.take != nil {
		if wait, ok := a.take(p.Name, s.Command.Type); !ok {
			return dispatch.Receipt{}, s.Refuse(&swarm.Error{
				Code: swarm.CodeRateLimited, Detail: p.Name + " sends too many commands; GET /limits has the rates",
				Attrs: map[string]any{"retry_after": wait},
			})
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
