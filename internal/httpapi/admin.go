package httpapi

import (
	"context"
	"net/url"
	"strconv"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/api/timestamp"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Whoami says whose the credential of the request is.
func (h *handlers) Whoami(ctx context.Context, _ api.WhoamiRequestObject) (api.WhoamiResponseObject, error) {
	p := swarm.PrincipalOf(ctx)
	out := api.Whoami200JSONResponse{Name: p.Name, Role: api.Role(p.Role), Scope: api.Labels{}}
	if len(p.Scope) > 0 {
		out.Scope = p.Scope
	}
	if !p.Expires.IsZero() {
		at := timestamp.Of(p.Expires)
		out.ExpiresAt = &at
	}
	return out, nil
}

// GetLimits returns the limits of the server.
func (h *handlers) GetLimits(context.Context, api.GetLimitsRequestObject) (api.GetLimitsResponseObject, error) {
	l := h.Limits
	return api.GetLimits200JSONResponse{
		Authentication: h.Access != nil,
		Commands:       api.RateLimit(l.Commands), Stops: api.RateLimit(l.Stops),
		Unauthenticated: api.RateLimit(l.Unauthenticated), DriverFrames: api.RateLimit(l.DriverFrames),
		MaxDrivers: l.MaxDrivers, MaxStreams: l.MaxStreams, MaxBodyBytes: MaxBodyBytes, MaxHeaderBytes: l.MaxHeaderBytes,
		MaxFrameBytes: l.MaxFrameBytes, MaxPage: swarm.MaxPage,
	}, nil
}

// ListAudit returns a page of the audit log.
func (h *handlers) ListAudit(_ context.Context, r api.ListAuditRequestObject) (api.ListAuditResponseObject, error) {
	out := api.ListAudit200JSONResponse{Body: api.AuditPage{Items: []api.AuditEvent{}}}
	if h.Audit == nil {
		return out, nil
	}
	events, next, err := h.Audit.Page(deref(r.Params.Cursor), limitOf(r.Params.Limit))
	if err != nil {
		return nil, err
	}
	for _, e := range events {
		out.Body.Items = append(out.Body.Items, auditEventTo(e))
	}
	if next != "" {
		query := url.Values{}
		if r.Params.Limit != nil {
			query.Set("limit", strconv.Itoa(int(*r.Params.Limit)))
		}
		out.Body.NextCursor, out.Headers.Link = &next, nextLink("/audit", query, next)
	}
	return out, nil
}

func auditEventTo(e swarm.AuditEvent) api.AuditEvent {
	out := api.AuditEvent{
		At: timestamp.Of(e.At), Kind: string(e.Kind), Name: optional(e.Name), Code: optional(string(e.Code)),
		Method: optional(e.Method), Route: optional(e.Route), DriverId: optional(e.DriverID), Detail: optional(e.Detail),
		Count: max(e.Count, 1), Via: *viaTo(&e.Via),
	}
	if !e.Until.IsZero() {
		at := timestamp.Of(e.Until)
		out.Until = &at
	}
	return out
}

func viaTo(v *swarm.Via) *api.Via {
	if v == nil {
		return nil
	}
	out := &api.Via{
		Credential: optional(v.Credential), RemoteAddr: optional(v.RemoteAddr), RequestId: optional(v.RequestID),
	}
	if v.Server {
		out.Server = &v.Server
	}
	return out
}
