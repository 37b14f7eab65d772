package httpapi

import (
	"context"

	"github.com/swarmcall/swarmcall/api"
)

// Livez answers as long as the process runs.
func (h *handlers) Livez(context.Context, api.LivezRequestObject) (api.LivezResponseObject, error) {
	return api.Livez200JSONResponse{Status: api.Ok, Checks: []api.Check{}}, nil
}

// Readyz reports whether the server accepts commands, and if not, why.
func (h *handlers) Readyz(ctx context.Context, _ api.ReadyzRequestObject) (api.ReadyzResponseObject, error) {
	health := api.Health{Status: api.Ok, Checks: []api.Check{}}
	for _, c := range h.Ready(ctx) {
		if !clientOf(ctx).stranger { // details are not for a page that had its own name resolved to this server
			health.Checks = append(health.Checks, api.Check{Name: c.Name, Ok: c.OK, Detail: optional(c.Detail)})
		}
		if !c.OK {
			health.Status = api.Unavailable
		}
	}
	if health.Status == api.Ok {
		return api.Readyz200JSONResponse(health), nil
	}
	wait := retryAfterSeconds
	return api.Readyz503JSONResponse{Body: health, Headers: api.Readyz503ResponseHeaders{RetryAfter: &wait}}, nil
}

// Version returns the version and the build.
func (h *handlers) Version(context.Context, api.VersionRequestObject) (api.VersionResponseObject, error) {
	v := h.Config.Version
	return api.Version200JSONResponse{Version: v.Version, Revision: v.Revision, GoVersion: v.GoVersion}, nil
}
