package swarm

import (
	"context"
	"sync"
)

// Request is the request that the server answers, as far as other parts than the router need it.
type Request struct {
	ID    string
	Trace Trace // that the client sent

	mu    sync.Mutex
	about About
}

// About is the command that a request has submitted, for the lines that are logged about the request.
type About struct {
	Submitter string
	Seq       uint64 // 0 if the command was refused
	TraceID   string // "" for none
}

// Submits notes which command the request has submitted.
func (r *Request) Submits(a About) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.about = a
}

// About returns which command the request has submitted so far. Without one, it has the trace of the client.
func (r *Request) About() About {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.about
	if a.TraceID == "" {
		a.TraceID = TraceID(r.Trace.Parent)
	}
	return a
}

type requestKey struct{}

// WithRequest returns a context of a request.
func WithRequest(ctx context.Context, r *Request) context.Context {
	return context.WithValue(ctx, requestKey{}, r)
}

// RequestOf returns the request of a context; one that nobody else has if the context does not say.
func RequestOf(ctx context.Context) *Request {
	if r, ok := ctx.Value(requestKey{}).(*Request); ok {
		return r
	}
	return &Request{}
}
