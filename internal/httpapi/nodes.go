package httpapi

import (
	"context"
	"net/url"
	"slices"
	"strconv"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/api/timestamp"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// ListNodes returns a page of the nodes.
func (h *handlers) ListNodes(_ context.Context, r api.ListNodesRequestObject) (api.ListNodesResponseObject, error) {
	nodes := h.Nodes()
	if r.Params.Cursor != nil {
		after, err := place(*r.Params.Cursor, afterNode)
		if err != nil {
			return nil, err
		}
		nodes = slices.DeleteFunc(nodes, func(n swarm.Node) bool { return n.Name <= after })
	}
	limit := min(limitOf(r.Params.Limit), len(nodes))
	out := api.ListNodes200JSONResponse{Body: api.NodePage{Items: make([]api.Node, limit)}}
	for i, n := range nodes[:limit] {
		out.Body.Items[i] = nodeTo(n)
	}
	if limit < len(nodes) {
		query := url.Values{}
		if r.Params.Limit != nil {
			query.Set("limit", strconv.Itoa(int(*r.Params.Limit)))
		}
		cursor := cursorOf(afterNode, nodes[limit-1].Name)
		out.Body.NextCursor, out.Headers.Link = &cursor, nextLink("/nodes", query, cursor)
	}
	return out, nil
}

func nodeTo(n swarm.Node) api.Node {
	out := api.Node{
		Name: n.Name, Instance: n.Instance, Version: n.Version, Address: optional(n.Address), Self: n.Self,
		Alive: n.Alive, Draining: n.Draining, Drivers: n.Drivers, Position: int64(n.Position), Lag: int64(n.Lag),
		RosterAgeMs: n.RosterAge.Milliseconds(), StartedAt: timestamp.Of(n.StartedAt),
	}
	if !n.Embedded {
		left := n.LeaseLeft.Milliseconds()
		out.LeaseLeftMs = &left
	}
	return out
}
