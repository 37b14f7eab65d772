package remote

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// Driver is one driver of the roster.
type Driver = api.Driver

// pageLimit is the maximum number of items per page of the server.
const pageLimit = 1000

// Page is a list as the server sent it, with several pages joined.
type Page[T any] struct {
	Items  []T
	Raw    []json.RawMessage // each item as it was sent
	Counts api.DriverCounts  // of drivers
}

// wirePage is one page of a list.
type wirePage struct {
	Items      []json.RawMessage `json:"items"`
	Counts     api.DriverCounts  `json:"counts"`
	NextCursor *string           `json:"next_cursor"`
}

// pages reads a list until it ends or has limit items; limit 0 means all.
func pages[T any](
	c *Client, what string, limit int, fetch func(limit int32, cursor *string) (*http.Response, error),
) (all Page[T], _ error) {
	for cursor := (*string)(nil); ; {
		want := pageLimit
		if limit > 0 {
			want = min(want, limit-len(all.Items))
		}
		page, err := answer[wirePage](c, what, func() (*http.Response, error) { return fetch(int32(want), cursor) })
		if err != nil {
			return all, err
		}
		for _, raw := range page.Value.Items {
			var item T
			if err := json.Unmarshal(raw, &item); err != nil {
				return all, err
			}
			all.Items, all.Raw = append(all.Items, item), append(all.Raw, raw)
		}
		all.Counts, cursor = page.Value.Counts, page.Value.NextCursor
		if cursor == nil || (limit > 0 && len(all.Items) >= limit) {
			return all, nil
		}
	}
}

// DriverFilter selects drivers. Empty fields select all.
type DriverFilter struct {
	State  string
	Labels []string // each key=value
	Limit  int
}

// LabelFilter formats labels as the server's lists expect them.
func LabelFilter(labels map[string]string) (filter []string) {
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		filter = append(filter, key+"="+labels[key])
	}
	return filter
}

// Drivers reads the roster.
func (c *Client) Drivers(ctx context.Context, f DriverFilter) (Page[Driver], error) {
	return pages[Driver](c, "list the drivers", f.Limit, func(limit int32, cursor *string) (*http.Response, error) {
		p := &api.ListDriversParams{Limit: &limit, Cursor: cursor}
		if f.State != "" {
			state := api.DriverState(f.State)
			p.State = &state
		}
		if len(f.Labels) > 0 {
			p.Label = &f.Labels
		}
		return c.api.ListDrivers(ctx, p)
	})
}

// Driver reads one driver.
func (c *Client) Driver(ctx context.Context, id string) (Answer[Driver], error) {
	return answer[Driver](c, "show driver "+id, func() (*http.Response, error) { return c.api.GetDriver(ctx, id) })
}

// Nodes reads the nodes, as the server that answers sees them.
func (c *Client) Nodes(ctx context.Context) (Page[api.Node], error) {
	all, err := pages[api.Node](c, "list the nodes", 0, func(limit int32, cursor *string) (*http.Response, error) {
		return c.api.ListNodes(ctx, &api.ListNodesParams{Limit: &limit, Cursor: cursor})
	})
	if e, ok := errors.AsType[*clierr.Error](err); ok && isNotFound(err) {
		e.Hint = "the server is older than this swarmcall and does not list nodes; compare: swarmcall version"
	}
	return all, err
}

func isNotFound(err error) bool {
	p := RefusalOf(err)
	return p != nil && p.Code == api.NotFound
}

// CommandFilter selects entries. Empty fields select all.
type CommandFilter struct {
	Submitter, Type, Status, Order string
	Before, After                  int64
	Limit                          int
}

// Commands reads entries, newest first unless the filter says otherwise.
func (c *Client) Commands(ctx context.Context, f CommandFilter) (Page[Entry], error) {
	return pages[Entry](c, "list the commands", f.Limit, func(limit int32, cursor *string) (*http.Response, error) {
		p := &api.ListCommandsParams{
			Limit: &limit, Cursor: cursor, Submitter: some(f.Submitter), Before: some(f.Before), After: some(f.After),
		}
		p.Type, p.Status = some(api.CommandType(f.Type)), some(api.Status(f.Status))
		p.Order = some(api.ListCommandsParamsOrder(f.Order))
		return c.api.ListCommands(ctx, p)
	})
}

// some returns a pointer to v, nil for the zero value.
func some[T comparable](v T) *T {
	if v == *new(T) {
		return nil
	}
	return &v
}

// ServerVersion reads the server's build information.
func (c *Client) ServerVersion(ctx context.Context) (Answer[api.Version], error) {
	return answer[api.Version](c, "read the version", func() (*http.Response, error) { return c.api.Version(ctx) })
}

// Ready reads whether the server accepts commands; if it does not, its failed checks are the cause.
func (c *Client) Ready(ctx context.Context) (Answer[api.Health], error) {
	return answer[api.Health](c, "check readiness", func() (*http.Response, error) { return c.api.Readyz(ctx) })
}

// Export passes the log's records as NDJSON to each, line by line.
func (c *Client) Export(ctx context.Context, f CommandFilter, each func(line []byte) error) error {
	q := url.Values{}
	setNonZero(q, "submitter", f.Submitter)
	setPosition(q, "after", f.After)
	setPosition(q, "before", f.Before)
	_, err := c.lines(ctx, "export the log", "/commands/export?"+q.Encode(), "application/x-ndjson", func() {}, each)
	return err
}

// Retries returns the number of retried requests so far.
func (c *Client) Retries() int64 { return c.doer.retries.Load() }
