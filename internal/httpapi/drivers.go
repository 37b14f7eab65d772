package httpapi

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// GetDriver returns one known driver.
func (h *handlers) GetDriver(_ context.Context, r api.GetDriverRequestObject) (api.GetDriverResponseObject, error) {
	d, ok := h.Fleet.Driver(r.DriverId)
	if !ok {
		return nil, swarm.Errorf(swarm.CodeNotFound, "no driver with this id is known; see GET /drivers")
	}
	return api.GetDriver200JSONResponse(driverTo(d)), nil
}

// ListDrivers returns a page of the known drivers, and counts over all of them.
func (h *handlers) ListDrivers(
	_ context.Context, r api.ListDriversRequestObject,
) (api.ListDriversResponseObject, error) {
	after := ""
	if r.Params.Cursor != nil {
		var err error
		if after, err = place(*r.Params.Cursor, afterID); err != nil {
			return nil, err
		}
	}
	q := rosterQuery(r.Params)
	q.After = after
	roster := h.Fleet.Roster(q)
	out := api.ListDrivers200JSONResponse{Body: api.DriverPage{
		Counts: api.DriverCounts{Active: roster.Active, Stale: roster.Stale, Disconnected: roster.Disconnected},
		Items:  make([]api.Driver, len(roster.Drivers)),
	}}
	for i, d := range roster.Drivers {
		out.Body.Items[i] = driverTo(d)
	}
	if roster.More {
		cursor := cursorOf(afterID, roster.Drivers[len(roster.Drivers)-1].ID)
		out.Body.NextCursor, out.Headers.Link = &cursor, nextLink("/drivers", driversQuery(r.Params), cursor)
	}
	return out, nil
}

// rosterQuery converts the parameters. The same label with two values matches no driver.
func rosterQuery(p api.ListDriversParams) swarm.RosterQuery {
	q := swarm.RosterQuery{Limit: limitOf(p.Limit), State: swarm.DriverState(deref(p.State))}
	for _, pair := range deref(p.Label) {
		key, value, _ := strings.Cut(pair, "=") // the OpenAPI document requires the "="
		if had, twice := q.Labels[key]; twice && had != value {
			q.None = true
		}
		if q.Labels == nil {
			q.Labels = map[string]string{}
		}
		q.Labels[key] = value
	}
	return q
}

func driversQuery(p api.ListDriversParams) url.Values {
	q := url.Values{}
	if p.State != nil {
		q.Set("state", string(*p.State))
	}
	if p.Limit != nil {
		q.Set("limit", strconv.Itoa(int(*p.Limit)))
	}
	for _, pair := range deref(p.Label) {
		q.Add("label", pair)
	}
	return q
}
