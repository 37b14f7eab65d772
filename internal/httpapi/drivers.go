package httpapi

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// GetDriver returns one line of the roster.
func (h *handlers) GetDriver(_ context.Context, r api.GetDriverRequestObject) (api.GetDriverResponseObject, error) {
	d, ok := h.Fleet.Driver(r.DriverId)
	if !ok {
		return nil, swarm.Errorf(swarm.CodeNotFound, "no driver of this id is known; see GET /drivers")
	}
	return api.GetDriver200JSONResponse(driverTo(d)), nil
}

// ListDrivers returns a page of the roster, and counts of all of it.
func (h *handlers) ListDrivers(_ context.Context, r api.ListDriversRequestObject) (api.ListDriversResponseObject, error) {
	after := ""
	if r.Params.Cursor != nil {
		var err error
		if after, err = place(*r.Params.Cursor, afterID); err != nil {
			return nil, err
		}
	}
	want := rosterFilter(r.Params)
	limit := limitOf(r.Params.Limit)
	out := api.ListDrivers200JSONResponse{Body: api.DriverPage{Items: []api.Driver{}}}
	for _, d := range h.Fleet.Drivers() {
		count(&out.Body.Counts, d.State)
		if out.Body.NextCursor != nil || d.ID <= after || !want(d) {
			continue
		}
		if n := len(out.Body.Items); n == limit {
			cursor := cursorOf(afterID, out.Body.Items[n-1].DriverId)
			out.Body.NextCursor, out.Headers.Link = &cursor, nextLink("/drivers", driversQuery(r.Params), cursor)
			continue
		}
		out.Body.Items = append(out.Body.Items, driverTo(d))
	}
	return out, nil
}

func count(n *api.DriverCounts, state swarm.DriverState) {
	switch state {
	case swarm.Active:
		n.Active++
	case swarm.Stale:
		n.Stale++
	case swarm.Disconnected:
		n.Disconnected++
	}
}

func rosterFilter(p api.ListDriversParams) func(swarm.Driver) bool {
	return func(d swarm.Driver) bool {
		for _, pair := range deref(p.Label) {
			key, value, _ := strings.Cut(pair, "=") // the contract asks for the sign
			if got, ok := d.Labels[key]; !ok || got != value {
				return false
			}
		}
		return p.State == nil || string(d.State) == string(*p.State)
	}
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
