package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// statuses is the only map from a code to an HTTP status and a title, for the dashboard too. A code that is not in it
// is an internal error.
var statuses = map[swarm.Code]struct {
	status int
	title  string
}{
	swarm.CodeMalformedJSON:          {http.StatusBadRequest, "Malformed JSON"},
	swarm.CodeBadRequest:             {http.StatusBadRequest, "Bad request"},
	swarm.CodeUnsupportedSubprotocol: {http.StatusBadRequest, "Unsupported subprotocol"},
	swarm.CodeHostNotAllowed:         {http.StatusForbidden, "Host not allowed"},
	swarm.CodeOriginNotAllowed:       {http.StatusForbidden, "Origin not allowed"},
	swarm.CodeUnauthenticated:        {http.StatusUnauthorized, "Unauthenticated"},
	swarm.CodeTokenExpired:           {http.StatusUnauthorized, "Token expired"},
	swarm.CodeForbidden:              {http.StatusForbidden, "Forbidden"},
	swarm.CodeOutsideScope:           {http.StatusForbidden, "Outside the scope"},
	swarm.CodeSubmitterMismatch:      {http.StatusForbidden, "Submitter mismatch"},
	swarm.CodeNotFound:               {http.StatusNotFound, "Not found"},
	swarm.CodeMethodNotAllowed:       {http.StatusMethodNotAllowed, "Method not allowed"},
	swarm.CodeNoActiveDrivers:        {http.StatusConflict, "No active drivers"},
	swarm.CodeNotEnoughDrivers:       {http.StatusConflict, "Not enough drivers"},
	swarm.CodeNewerCommand:           {http.StatusPreconditionFailed, "Newer command"},
	swarm.CodeBodyTooLarge:           {http.StatusRequestEntityTooLarge, "Body too large"},
	swarm.CodeUnsupportedMediaType:   {http.StatusUnsupportedMediaType, "Unsupported media type"},
	swarm.CodeInvalidCommand:         {http.StatusUnprocessableEntity, "Invalid command"},
	swarm.CodeIdempotencyKeyReused:   {http.StatusUnprocessableEntity, "Idempotency key reused"},
	swarm.CodeRateLimited:            {http.StatusTooManyRequests, "Rate limited"},
	swarm.CodeLogUnavailable:         {http.StatusServiceUnavailable, "Log unavailable"},
	swarm.CodeShuttingDown:           {http.StatusServiceUnavailable, "Shutting down"},
	swarm.CodeOutcomeNotRecorded:     {http.StatusServiceUnavailable, "Outcome not recorded"},
	swarm.CodeInternal:               {http.StatusInternalServerError, "Internal error"},
}

// Status returns the HTTP status of an error's code.
func Status(code swarm.Code) int {
	if kind, known := statuses[code]; known {
		return kind.status
	}
	return http.StatusInternalServerError
}

// retryAfterSeconds is how long 429 and 503 answers ask clients to wait, unless the error has its own value.
const retryAfterSeconds = 1

// problems writes problem documents.
type problems struct {
	logger *slog.Logger
	log    Log
	base   base // added to the path of a problem
}

// write is the only function that writes an error, as application/problem+json. An error that is not a swarm.Error is
// internal; its cause is logged and not shown.
func (p *problems) write(w http.ResponseWriter, r *http.Request, err error) {
	if disconnected(r, err) {
		return
	}
	e, ok := errors.AsType[*swarm.Error](err)
	if !ok {
		e = &swarm.Error{
			Code:   swarm.CodeInternal,
			Detail: "the server met an unexpected error; its log has the details under this request id", Cause: err,
		}
	}
	kind, known := statuses[e.Code]
	if !known {
		kind = statuses[swarm.CodeInternal]
	}
	logger := p.logger.With(about(r.Context())...)
	switch {
	case e.Code == swarm.CodeShuttingDown: // expected
		logger.Info("refused a request while stopping", "request_id", requestID(r.Context()), "route", r.URL.Path)
	case e.Code == swarm.CodeLogUnavailable && e.Cause == nil: // its state, which /readyz shows, and no fault
		logger.Debug("refused a request", "request_id", requestID(r.Context()), "route", r.URL.Path, "detail", e.Detail)
	case kind.status >= http.StatusInternalServerError:
		logger.Error("request failed", "request_id", requestID(r.Context()), "route", r.URL.Path, "code", e.Code,
			"err", err)
	}
	noteOf(r.Context()).code = e.Code
	if kind.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", challenge(e.Code))
	}
	body := p.document(r, e, kind.title, kind.status)
	if kind.status == http.StatusServiceUnavailable || kind.status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", strconv.Itoa(retryAfter(e)))
	}
	p.send(w, kind.status, body)
}

// disconnected reports whether err only means that the client has disconnected: no answer reaches it, and nothing is
// wrong with the server.
func disconnected(r *http.Request, err error) bool {
	return r.Context().Err() != nil && errors.Is(err, context.Canceled) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, net.ErrClosed)
}

// challenge is the WWW-Authenticate header of a refusal, as RFC 6750 defines it.
func challenge(code swarm.Code) string {
	if code == swarm.CodeTokenExpired {
		return `Bearer realm="swarmcall", error="invalid_token", error_description="the token has expired"`
	}
	return `Bearer realm="swarmcall"`
}

// retryAfter returns how many seconds a client should wait.
func retryAfter(e *swarm.Error) int {
	if d, ok := e.Attrs["retry_after"].(time.Duration); ok {
		return max(int(math.Ceil(d.Seconds())), retryAfterSeconds)
	}
	return retryAfterSeconds
}

// document returns the body of the answer. It repeats texts of the request, in which a token may stand by mistake.
func (p *problems) document(r *http.Request, e *swarm.Error, title string, status int) api.Problem {
	body := api.Problem{
		Type: "urn:swarmcall:problem:" + string(e.Code), Title: title, Status: status, Detail: swarm.MaskSecrets(e.Detail),
		Instance: swarm.MaskSecrets(string(p.base) + r.URL.Path),
		Code:     api.ProblemCode(e.Code), RequestId: requestID(r.Context()),
	}
	if len(e.Fields) > 0 {
		fields := make([]api.FieldError, len(e.Fields))
		for i, f := range e.Fields {
			fields[i] = api.FieldError{Pointer: swarm.MaskSecrets(f.Pointer), Detail: swarm.MaskSecrets(f.Detail)}
		}
		body.Errors = &fields
	}
	if seq, ok := e.Attrs["seq"].(uint64); ok {
		body.Seq = new(int64(seq))
	}
	if n, ok := e.Attrs["have"].(int); ok {
		body.Have = &n
	}
	if n, ok := e.Attrs["want"].(int); ok {
		body.Want = &n
	}
	if in, ok := e.Attrs["in_use"].(swarm.InUse); ok {
		body.InUse = inUseTo(in)
	}
	if nothing, ok := e.Attrs["nothing_to_stop"].(bool); ok {
		body.NothingToStop = &nothing
	}
	if labels, ok := e.Attrs["labels"].(map[string]string); ok {
		body.Labels = (*api.Labels)(&labels)
	}
	if list, ok := e.Attrs["supported"].([]string); ok {
		body.Supported = &list
	}
	if e.Code == swarm.CodeNewerCommand && body.Seq != nil {
		if entry, err := p.log.Entry(r.Context(), uint64(*body.Seq)); err == nil { // the entry that caused the conflict
			body.Entry = new(entryOf(entry, asItem))
		}
	}
	return body
}

func (p *problems) send(w http.ResponseWriter, status int, body api.Problem) {
	b, err := json.Marshal(body)
	if err != nil {
		p.logger.Error("cannot encode a problem document as JSON", "err", err)
		status, b = http.StatusInternalServerError, []byte(`{}`)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(append(b, '\n')) // the client may have disconnected
}
