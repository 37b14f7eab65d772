package httpapi

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// note collects what is learnt about a request while it is handled, for the log and the audit log.
type note struct {
	principal swarm.Principal // the zero one until it is known
	code      swarm.Code      // of the problem that was answered; "" for none
}

type noteKey struct{}

// noteOf returns the note of a request. A request without one gets a note that nobody reads.
func noteOf(ctx context.Context) *note {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n
	}
	return &note{}
}

func withNote(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := context.WithValue(r.Context(), noteKey{}, &note{})
		ctx = swarm.WithRequest(ctx, &swarm.Request{
			ID: requestID(ctx), Trace: swarm.TraceOf(r.Header["Traceparent"], r.Header["Tracestate"]),
		})
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// about returns what a log line about a request says of its trace, and of the command that it has submitted.
func about(ctx context.Context) (args []any) {
	a := swarm.RequestOf(ctx).About()
	if a.TraceID != "" {
		args = append(args, "trace_id", a.TraceID)
	}
	if a.Submitter != "" {
		args = append(args, "submitter", a.Submitter)
	}
	if a.Seq != 0 {
		args = append(args, "command_id", a.Seq)
	}
	return args
}

// auditedAs is the code of a refusal that the dashboard answered itself, by its status.
var auditedAs = map[int]swarm.Code{
	http.StatusUnauthorized: swarm.CodeUnauthenticated, http.StatusForbidden: swarm.CodeForbidden,
	http.StatusTooManyRequests: swarm.CodeRateLimited,
}

// codeOf returns the code of an answer with a status, "" for an answer that is no refusal.
func (n *note) codeOf(status int) swarm.Code {
	if n.code != "" {
		return n.code
	}
	return auditedAs[status]
}

// withAudit records refusals for lack of rights. A redirect to the sign-in page is none.
func withAudit(a Audit) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		if a == nil {
			return next
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			next.ServeHTTP(ww, r)
			if _, refused := auditedAs[ww.Status()]; !refused {
				return
			}
			n := noteOf(r.Context())
			a.Record(swarm.AuditEvent{
				Kind: swarm.AuditRefused, Name: n.principal.Name, Code: n.codeOf(ww.Status()), Method: r.Method,
				Route: routeOf(r), Via: via(r, n.principal),
			})
		})
	}
}

// routeOf returns the pattern of the route that has handled a request, or "" if none has.
func routeOf(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		return c.RoutePattern()
	}
	return ""
}
