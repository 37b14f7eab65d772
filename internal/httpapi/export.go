package httpapi

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/internal/ndjson"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// export serves GET /commands/export: the records of the log after one position and before another, up to the newest at
// the time of the request. It takes as long as the client needs, and uses the memory of one batch.
func (h *handlers) export(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	position, before, submitter := number(q.Get("after")), number(q.Get("before")), q.Get("submitter")
	if err := h.Log.Await(r.Context(), max(position, before)); err != nil {
		return err
	}
	end := h.Feed.Last()
	if before > 0 {
		end = min(end, before-1)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection is reused
	deliver(w, control, nil)                                     // the headers, before anything is read
	var lines bytes.Buffer
	for position < end {
		events, err := h.eventsOf(r.Context(), submitter, position, end)
		if err != nil && !disconnected(r, err) {
			h.Logger.Error("an export was cut", "request_id", requestID(r.Context()), "position", position, "err", err)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client must not take this for the end
		}
		if len(events) == 0 {
			return nil
		}
		for _, e := range events {
			if position = e.Position; position > end {
				break
			}
			lines.Write(ndjson.Line(e.Stored, targetsOf(e)))
		}
		deliver(w, control, lines.Bytes())
		lines.Reset()
	}
	return nil
}

// eventsOf returns some records after a position: those of all submitters, or those of one submitter's commands up to
// upTo.
func (h *handlers) eventsOf(ctx context.Context, submitter string, after, upTo uint64) ([]*swarm.Event, error) {
	if submitter == "" {
		return h.Feed.After(ctx, after)
	}
	return h.Log.Events(ctx, swarm.EventQuery{Submitter: submitter, After: after, UpTo: upTo, Limit: eventsAtOnce})
}

// deliver writes to a client that must accept some data within streamTimeout. On an error it aborts the request, so
// that what was written does not look complete.
func deliver(w http.ResponseWriter, control *http.ResponseController, b []byte) {
	err := control.SetWriteDeadline(time.Now().Add(streamTimeout))
	if errors.Is(err, http.ErrNotSupported) {
		err = nil
	}
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = control.Flush()
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

func targetsOf(e *swarm.Event) []string {
	if e.Issued == nil {
		return nil
	}
	return e.Issued.Targets
}

// number reads a parameter that matches the OpenAPI document; 0 when it is absent.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 63)
	return n
}
