package httpapi

import (
	"context"
	"net/url"
	"strconv"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// GetState returns the desired state, how many drivers report it, and the page of drivers that the client requests.
func (h *handlers) GetState(ctx context.Context, r api.GetStateRequestObject) (api.GetStateResponseObject, error) {
	after := ""
	if r.Params.Cursor != nil {
		var err error
		if after, err = place(*r.Params.Cursor, afterID); err != nil {
			return nil, err
		}
	}
	var rulesAfter uint64
	if r.Params.DesiredCursor != nil {
		var err error
		if rulesAfter, err = seqPlace(*r.Params.DesiredCursor, rulesFrom); err != nil {
			return nil, err
		}
	}
	state := h.Fleet.State(swarm.StateQuery{
		After: after, Kind: swarm.DriftKind(deref(r.Params.Drift)), Limit: limitOf(r.Params.Limit),
	})
	out := api.GetState200JSONResponse{Body: api.State{
		Counts: api.StateCounts{Converged: state.Converged, Drifting: state.Drifting, Unknown: state.Unknown},
		Items:  []api.DriverDrift{},
	}}
	out.Body.Desired, out.Body.DesiredNextCursor = rulesPage(state.Rules, rulesAfter)
	proof, err := h.stopProof(ctx, state.Rules)
	if err != nil {
		return nil, err
	}
	out.Body.Stop = proof
	for _, d := range state.Drivers {
		out.Body.Items = append(out.Body.Items, driftTo(d))
	}
	if state.More {
		cursor := cursorOf(afterID, state.Drivers[len(state.Drivers)-1].DriverID)
		out.Body.NextCursor, out.Headers.Link = &cursor, nextLink("/state", stateQuery(r.Params), cursor)
	}
	return out, nil
}

// rulesPage returns the first rules after a seq, and the cursor for the next ones, nil at the end.
func rulesPage(rules []swarm.Rule, after uint64) (page []api.DesiredRule, next *string) {
	page = []api.DesiredRule{}
	for _, rule := range rules {
		if rule.Seq <= after {
			continue
		}
		if n := len(page); n == swarm.MaxPage {
			cursor := cursorOf(rulesFrom, strconv.FormatInt(page[n-1].Seq, 10))
			return page, &cursor
		}
		page = append(page, ruleTo(rule))
	}
	return page, nil
}

// stopProof returns the progress of the newest players command, if it is a Stop that a submitter issued.
func (h *handlers) stopProof(ctx context.Context, rules []swarm.Rule) (*api.StopProof, error) {
	var newest swarm.Wanted
	for _, r := range rules {
		// an expired record has the order of the command that it replaced
		expired := r.Reset && len(r.Target.DriverIDs)+len(r.Target.Labels) > 0
		if r.Command.Slot() == command.LoadSlot && !expired && r.Seq > newest.Seq {
			newest = r.Wanted
		}
	}
	if newest.Command.Type != command.Stop || newest.Reset {
		return nil, nil
	}
	e, err := h.Log.Entry(ctx, newest.Seq)
	if err != nil {
		return nil, err
	}
	p := h.Fleet.Stopped(e)
	out := api.StopProof{Seq: int64(p.Seq), Targets: p.Targets, Stopped: p.Stopped, Pending: []string{}}
	out.Pending = append(out.Pending, p.Pending[:min(len(p.Pending), itemVerdicts)]...)
	return &out, nil
}

func ruleTo(r swarm.Rule) api.DesiredRule {
	out := api.DesiredRule{
		Seq: int64(r.Seq), Command: commandTo(r.Command), Target: targetTo(r.Target), Reset: r.Reset,
		Matching: r.Matching, Converged: r.Converged,
		Unconfirmed: r.Unconfirmed,
	}
	if r.OutsideSplit > 0 {
		out.OutsideSplit = &r.OutsideSplit
	}
	return out
}

func driftTo(d swarm.Drift) api.DriverDrift {
	out := api.DriverDrift{
		DriverId: d.DriverID, State: api.DriverState(d.State), Unresponsive: d.Unresponsive,
		AppliedSeq: int64(d.AppliedSeq),
		Drift:      api.DriftKind(d.Kind()), Reasons: make([]api.DriftReason, len(d.Reasons)),
		Desired:  make([]api.DesiredCommand, len(d.Desired)),
		Reported: reportTo(d.Reported),
	}
	if d.OutsideSplit {
		out.OutsideSplit = &d.OutsideSplit
	}
	for i, reason := range d.Reasons {
		out.Reasons[i] = api.DriftReason(reason)
	}
	for i, w := range d.Desired {
		out.Desired[i] = api.DesiredCommand{Seq: int64(w.Seq), Command: commandTo(w.Command)}
	}
	return out
}

func stateQuery(p api.GetStateParams) url.Values {
	q := url.Values{}
	if p.Drift != nil {
		q.Set("drift", string(*p.Drift))
	}
	if p.DesiredCursor != nil {
		q.Set("desired_cursor", *p.DesiredCursor)
	}
	if p.Limit != nil {
		q.Set("limit", strconv.Itoa(int(*p.Limit)))
	}
	return q
}
