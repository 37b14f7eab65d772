package webtest

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// SessionCookie is the name of the cookie of Access.
const SessionCookie = "session"

// Access is a fake of what signs people in, and of the router before the dashboard.
type Access struct {
	mu       sync.Mutex
	people   map[string]swarm.Principal // by token
	refused  map[string]error           // by token
	sessions map[string]swarm.Principal // by cookie
	ends     map[string][]context.CancelFunc
}

// NewAccess returns an Access that knows the owners of some tokens.
func NewAccess(people map[string]swarm.Principal) *Access {
	return &Access{
		people: people, refused: map[string]error{}, sessions: map[string]swarm.Principal{},
		ends: map[string][]context.CancelFunc{},
	}
}

// Refuse makes the sign-in with a token fail.
func (a *Access) Refuse(token string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[token] = err
}

// SignIn begins a session of eight hours.
func (a *Access) SignIn(
	_ *http.Request, token string,
) (cookie string, expires time.Time, who swarm.Principal, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.refused[token]; err != nil {
		return "", time.Time{}, swarm.Principal{}, err
	}
	who, ok := a.people[token]
	if !ok {
		return "", time.Time{}, who, swarm.Errorf(swarm.CodeUnauthenticated, "the token "+token+" is unknown")
	}
	who.Expires = time.Now().Add(8*time.Hour + time.Minute).Truncate(time.Second)
	cookie = "of-" + who.Name
	a.sessions[cookie] = who
	return cookie, who.Expires, who, nil
}

// SignOut ends the session of a request's cookie.
func (a *Access) SignOut(r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, c := range r.Cookies() {
		delete(a.sessions, c.Value)
	}
}

// End ends all sessions and the streams of their people.
func (a *Access) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sessions)
	for _, ends := range a.ends {
		for _, end := range ends {
			end()
		}
	}
	clear(a.ends)
}

// Dashboard is what the router serves.
type Dashboard interface {
	http.Handler
	AccessRefused(w http.ResponseWriter, r *http.Request, err error)
}

// Router identifies requests by their cookie, and refuses those without the right to a path.
func (a *Access) Router(ui Dashboard) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p, ctx, end := a.identify(r)
		defer end()
		r = r.WithContext(swarm.WithPrincipal(ctx, p))
		switch needs := needs(r); {
		case needs == "" || p.Role.Includes(needs):
			ui.ServeHTTP(w, r)
		case p.Role == "":
			ui.AccessRefused(w, r, swarm.Errorf(swarm.CodeUnauthenticated, "sign in"))
		default:
			ui.AccessRefused(w, r, swarm.Forbidden(p, needs))
		}
	})
}

func (a *Access) identify(r *http.Request) (swarm.Principal, context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(r.Context())
	c, err := r.Cookie(SessionCookie)
	if err != nil {
		return swarm.Principal{}, ctx, end
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	p, ok := a.sessions[c.Value]
	if ok {
		a.ends[c.Value] = append(a.ends[c.Value], end)
	}
	return p, ctx, end
}

// needs is the role that a request needs; "" for anyone.
func needs(r *http.Request) swarm.Role {
	path := r.URL.Path
	switch {
	case path == "/ui/login", path == "/ui/logout", path == "/ui/theme", strings.HasPrefix(path, "/ui/assets/"):
		return ""
	case r.Method == http.MethodPost && path == "/ui/commands":
		return swarm.RoleStopper
	}
	return swarm.RoleViewer
}
