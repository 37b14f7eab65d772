package httpapi

import (
	"context"
	"net/http"
	"slices"
	"sync/atomic"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Access identifies who sends a request.
type Access interface {
	// Identify returns the principal of the credential of a request. The error has CodeUnauthenticated or
	// CodeTokenExpired.
	Identify(r *http.Request) (swarm.Principal, error)
	// TurnAway counts a request that is refused with an error of Identify, and returns that error, or one of
	// CodeRateLimited if the address sends too many.
	TurnAway(r *http.Request, err error) error
	// Follow returns a context that ends with ctx, and as soon as the credential of p expires or p or its rights change.
	Follow(ctx context.Context, p swarm.Principal) (context.Context, context.CancelFunc)
}

// need is what a request must bring for a route. The zero need is met by nobody.
type need struct {
	open  bool       // no credential is needed
	any   bool       // any valid credential
	role  swarm.Role // a credential whose role includes this one
	lasts bool       // the answer ends when the credential expires or is revoked
}

var (
	nothing = need{open: true}
	anybody = need{any: true}
	viewer  = need{role: swarm.RoleViewer}
	stopper = need{role: swarm.RoleStopper}
	admin   = need{role: swarm.RoleAdmin}
	driver  = need{role: swarm.RoleDriver}
)

// whileItLasts is for answers that take any length of time.
func (n need) whileItLasts() need {
	n.lasts = true
	return n
}

// String names the role; "nothing" and "any" stand for no credential and any valid one, "" for what nobody has.
func (n need) String() string {
	switch {
	case n.open:
		return "nothing"
	case n.any:
		return "any"
	}
	return string(n.role)
}

func (n need) metBy(p swarm.Principal) error {
	if n.open || n.any || p.Role.Includes(n.role) {
		return nil
	}
	return swarm.Forbidden(p, n.role)
}

// gate lets a request through to the handler of a route if its credential allows that.
type gate struct {
	access  Access   // nil: authentication is off, and everybody is an administrator
	origins []string // of other pages, whose requests must not be signed in by a cookie
	refuse  func(http.ResponseWriter, *http.Request, error)
	streams *places // for answers that take any length of time
	// refusePage answers a request for the dashboard that is refused
	refusePage func(http.ResponseWriter, *http.Request, error)
}

// wrap puts the principal of a request and how it came in into its context.
func (g gate) wrap(n need, next http.Handler) http.Handler {
	if n.lasts {
		next = g.whileItLasts(next)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(g.origins, r.Header.Get("Origin")) {
			r = r.Clone(r.Context())
			r.Header.Del("Cookie")
		}
		p, err := g.admit(n, r)
		if err != nil {
			g.turnAway(w, r, err)
			return
		}
		ctx := swarm.WithPrincipal(r.Context(), p)
		if g.access != nil {
			ctx = swarm.WithVia(ctx, via(r, p))
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// admit returns the principal of a request that meets a need; nobody if it has no valid credential and needs none.
func (g gate) admit(n need, r *http.Request) (swarm.Principal, error) {
	p, err := g.identify(r)
	switch {
	case err == nil:
		noteOf(r.Context()).principal = p
		return p, n.metBy(p)
	case n.open:
		return swarm.Principal{}, nil
	}
	return p, g.access.TurnAway(r, err)
}

// whileItLasts ends an answer with the rights of its principal, and bounds how many such answers there are at a time.
func (g gate) whileItLasts(next http.Handler) http.Handler {
	if g.access == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.streams.take() {
			g.refuse(w, r, swarm.Errorf(swarm.CodeRateLimited, "too many streams are open; close some, or try again later"))
			return
		}
		defer g.streams.free()
		ctx, end := g.access.Follow(r.Context(), swarm.PrincipalOf(r.Context()))
		defer end()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func (g gate) identify(r *http.Request) (swarm.Principal, error) {
	if g.access == nil {
		return swarm.AnonymousPrincipal(), nil
	}
	return g.access.Identify(r)
}

func (g gate) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	if isPage(r.URL.Path) && swarm.CodeOf(err) != swarm.CodeRateLimited {
		g.refusePage(w, r, err)
		return
	}
	if noteOf(r.Context()).principal.Role == "" {
		w.Header().Set("Connection", "close") // a stranger must not keep a connection open
	}
	g.refuse(w, r, err)
}

func via(r *http.Request, p swarm.Principal) swarm.Via {
	return swarm.Via{Credential: p.Credential, RemoteAddr: r.RemoteAddr, RequestID: requestID(r.Context())}
}

// places are a bounded number of things at a time.
type places struct {
	most  int64 // 0: any number
	taken atomic.Int64
}

func (p *places) take() bool {
	if n := p.taken.Add(1); p.most == 0 || n <= p.most {
		return true
	}
	p.taken.Add(-1)
	return false
}

func (p *places) free() { p.taken.Add(-1) }
