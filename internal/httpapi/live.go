package httpapi

import (
	"context"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The parts of an answer that are not in the log are computed from the known drivers when it is read.

// answerOf returns an entry for a client that submits it or reads it by its seq.
func (h *handlers) answerOf(e swarm.Entry, d detail) api.Entry {
	out := entryOf(e, d)
	if e.Issued.Command.Type == command.Stop && len(e.Issued.Targets) == 0 {
		reach := h.Fleet.Reach(e.Issued.Target)
		out.InUse, out.Awaited = inUseTo(reach.InUse), &reach.Awaited
	}
	return out
}

// withProgress returns a complete entry, with the progress of its drivers.
func (h *handlers) withProgress(e swarm.Entry) api.Entry {
	out := h.answerOf(e, whole)
	p := h.Fleet.Progress(e)
	if len(p.Deregistered) > 0 {
		out.Deregistered = &p.Deregistered
	}
	if !p.Holds {
		return out
	}
	outstanding, converged := len(p.Outstanding), len(p.Converged)
	out.Counts.Outstanding, out.Counts.Converged = &outstanding, &converged
	out.Outstanding, out.Converged = firstOf(p.Outstanding), firstOf(p.Converged)
	return out
}

// dryRun returns what a command would do now.
func (h *handlers) dryRun(ctx context.Context, s swarm.Submission) (api.SubmitCommandResponseObject, error) {
	i, err := h.Commands.Preview(ctx, s)
	if err != nil {
		return nil, err
	}
	out := api.DryRun{
		Command: commandTo(i.Command), Target: targetTo(i.Target), Targets: append([]string{}, i.Targets...),
		LeftOut:      leftOutTo(i.LeftOut),
		Restrictions: []map[string]any{},
	}
	out.Split, out.Shortfall = splitTo(i, i.Shortfall(), len(i.Split))
	if i.Command.Type == command.Stop && len(i.Targets) == 0 {
		reach := h.Fleet.Reach(i.Target)
		out.InUse, out.Awaited = inUseTo(reach.InUse), &reach.Awaited
	}
	return api.SubmitCommand200JSONResponse(out), nil
}

// firstOf returns the part of a list of drivers that answers include: at most itemVerdicts ids.
func firstOf(ids []string) *[]string {
	list := append([]string{}, ids[:min(len(ids), itemVerdicts)]...)
	return &list
}

func inUseTo(in swarm.InUse) *api.InUse {
	out := api.InUse{Labels: map[string][]string{}, DriverIds: append([]string{}, in.DriverIDs...)}
	for key, values := range in.Labels {
		out.Labels[key] = values
	}
	return &out
}

func leftOutTo(list []swarm.LeftOut) []api.LeftOut {
	out := make([]api.LeftOut, len(list))
	for i, l := range list {
		out[i] = api.LeftOut{DriverId: l.DriverID, Reason: api.LeftOutReason(l.Reason)}
	}
	return out
}
