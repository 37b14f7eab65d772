package httpapi

import (
	"bytes"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/internal/ndjson"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// export serves GET /commands/export: every record after one position and before another, as it stands in the log, up to the
// newest when the request came. It takes as long as the client does; memory is that of one batch.
func (h *handlers) export(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	position, submitter, end := number(q.Get("after")), q.Get("submitter"), h.Feed.Last()
	if before := number(q.Get("before")); before > 0 {
		end = min(end, before-1)
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Accel-Buffering", "no")
	if r.Method == http.MethodHead {
		return nil
	}
	control := http.NewResponseController(w)
	defer func() { _ = control.SetWriteDeadline(time.Time{}) }() // the connection lives on
	var lines bytes.Buffer
	for position < end {
		events, err := h.Feed.After(r.Context(), position)
		if err != nil {
			h.Logger.Error("an export was cut", "request_id", requestID(r.Context()), "position", position, "err", err)
			panic(http.ErrAbortHandler) // no client shall take this for the end
		}
		for _, e := range events {
			if position = e.Position; position > end {
				break
			}
			if submitter == "" || (e.Issued != nil && e.Issued.Submitter == submitter) {
				lines.Write(ndjson.Line(e.Stored, targetsOf(e)))
			}
		}
		if err := control.SetWriteDeadline(time.Now().Add(streamTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		if _, err := lines.WriteTo(w); err != nil {
			return nil //nolint:nilerr // the client is gone
		}
		lines.Reset()
	}
	return nil
}

func targetsOf(e *swarm.Event) []string {
	if e.Issued == nil {
		return nil
	}
	return e.Issued.Targets
}

// number reads a parameter that fits the contract; 0 when it is absent.
func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 63)
	return n
}
