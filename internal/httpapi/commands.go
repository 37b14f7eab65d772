package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// defaultLimit is the length of a page if the client sends no limit, as in the OpenAPI document.
const defaultLimit = 100

// SubmitCommand issues a command and waits for its outcome, unless the client prefers not to wait.
func (h *handlers) SubmitCommand(
	ctx context.Context, r api.SubmitCommandRequestObject,
) (api.SubmitCommandResponseObject, error) {
	s, err := submissionOf(r.Body, h.DefaultDeadline)
	if err != nil {
		return nil, err
	}
	if s.Submitter, err = swarm.PrincipalOf(ctx).SubmitterFor(deref(r.Body.Submitter)); err != nil {
		return nil, err
	}
	if deref(r.Body.DryRun) {
		return h.dryRun(ctx, s)
	}
	if s.Key = deref(r.Params.IdempotencyKey); s.Key != "" {
		s.RequestHash = requestHash(r.Body, s)
	}
	call, replayed, err := h.Commands.Submit(ctx, s)
	if err != nil {
		return nil, err
	}
	var again *bool
	if replayed {
		again = &replayed
	}
	prefer := preferencesOf(deref(r.Params.Prefer))
	location := fmt.Sprintf("/commands/%d", call.Entry().Seq)
	if prefer.async {
		return api.SubmitCommand202JSONResponse{
			Body: h.answerOf(call.Entry(), prefer.detail()),
			Headers: api.SubmitCommand202ResponseHeaders{
				Location: &location, PreferenceApplied: prefer.applied(), IdempotentReplayed: again,
			},
		}, nil
	}
	e, err := call.Wait(ctx)
	if err != nil {
		return nil, err
	}
	return api.SubmitCommand201JSONResponse{
		Body: h.answerOf(e, prefer.detail()),
		Headers: api.SubmitCommand201ResponseHeaders{
			Location: &location, PreferenceApplied: prefer.applied(), IdempotentReplayed: again,
		},
	}, nil
}

// GetCommand returns one complete entry, after waiting for its outcome if the client requests that.
func (h *handlers) GetCommand(
	ctx context.Context, r api.GetCommandRequestObject,
) (api.GetCommandResponseObject, error) {
	seq := uint64(r.Seq)
	if err := h.Log.Await(ctx, seq); err != nil {
		return nil, err
	}
	if call, open := h.Commands.Open(seq); open {
		e := call.Entry()
		if wait := deref(r.Params.WaitMs); wait > 0 {
			patience, cancel := context.WithTimeout(ctx, time.Duration(wait)*time.Millisecond)
			defer cancel()
			var err error
			if e, err = call.Wait(patience); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				return nil, err
			}
		}
		if e.Closed == nil {
			return api.GetCommand200JSONResponse(h.withProgress(e)), nil
		}
	}
	e, err := h.Log.Entry(ctx, seq) // includes the late answers
	if err != nil {
		return nil, err
	}
	return api.GetCommand200JSONResponse(h.withProgress(e)), nil
}

// ListCommands returns a page of entries.
func (h *handlers) ListCommands(
	ctx context.Context, r api.ListCommandsRequestObject,
) (api.ListCommandsResponseObject, error) {
	q, err := queryOf(r.Params)
	if err != nil {
		return nil, err
	}
	q.Brief = itemVerdicts
	if err := h.Log.Await(ctx, max(q.After, q.Before)); err != nil {
		return nil, err
	}
	page, err := h.Log.Page(ctx, q)
	if err != nil {
		return nil, err
	}
	out := api.ListCommands200JSONResponse{Body: api.EntryPage{Items: make([]api.Entry, len(page.Entries))}}
	for i, e := range page.Entries {
		out.Body.Items[i] = entryOf(e, asItem)
	}
	if page.More {
		kind := olderThan
		if q.Ascending {
			kind = newerThan
		}
		cursor := cursorOf(kind, strconv.FormatUint(page.Entries[len(page.Entries)-1].Seq, 10))
		out.Body.NextCursor, out.Headers.Link = &cursor, nextLink("/commands", commandsQuery(r.Params), cursor)
	}
	return out, nil
}

func queryOf(p api.ListCommandsParams) (swarm.Query, error) {
	q := swarm.Query{
		Submitter: deref(p.Submitter), Type: command.Type(deref(p.Type)), Status: swarm.Status(deref(p.Status)),
		Before: uint64(deref(p.Before)), After: uint64(deref(p.After)),
		Ascending: deref(p.Order) == api.Asc, Limit: limitOf(p.Limit),
	}
	if p.Cursor == nil {
		return q, nil
	}
	if q.Ascending {
		seq, err := seqPlace(*p.Cursor, newerThan)
		q.After = max(q.After, seq)
		return q, err
	}
	seq, err := seqPlace(*p.Cursor, olderThan)
	if q.Before == 0 || seq < q.Before {
		q.Before = seq
	}
	return q, err
}

// commandsQuery is the query string of the parameters.
func commandsQuery(p api.ListCommandsParams) url.Values {
	q := url.Values{}
	set := func(name, value string) {
		if value != "" && value != "0" {
			q.Set(name, value)
		}
	}
	set("submitter", deref(p.Submitter))
	set("type", string(deref(p.Type)))
	set("status", string(deref(p.Status)))
	set("before", strconv.FormatInt(deref(p.Before), 10))
	set("after", strconv.FormatInt(deref(p.After), 10))
	set("order", string(deref(p.Order)))
	set("limit", strconv.Itoa(int(deref(p.Limit))))
	return q
}

func limitOf(p *api.Limit) int {
	if p == nil {
		return defaultLimit
	}
	return int(*p)
}
