package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/assets"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// Access signs people in.
type Access interface {
	// SignIn checks a secret and returns the value of a session cookie for it, when that expires, and whose it is.
	// Errors have CodeUnauthenticated or CodeTokenExpired.
	// CodeRateLimited is for an address that has tried too often.
	SignIn(r *http.Request, secret string) (cookie string, expires time.Time, who swarm.Principal, err error)
	// SignOut ends the session of a request's cookie.
	SignOut(r *http.Request)
}

// AccessRefused answers a request for a path of the dashboard whose sender has no right to it: err has the code
// unauthenticated, token_expired or forbidden. A person who is signed out is asked to sign in.
func (u *UI) AccessRefused(w http.ResponseWriter, r *http.Request, err error) {
	if u.cross.Check(r) != nil {
		u.foreign(w, r)
		return
	}
	code := swarm.CodeOf(err)
	signedOut := code == swarm.CodeUnauthenticated || code == swarm.CodeTokenExpired
	isForm := r.Method == http.MethodPost && r.URL.Path == "/ui/commands"
	switch {
	case isForm && wantsJSON(r) && signedOut:
		w.Header().Set("WWW-Authenticate", "Bearer")
		u.answer(w, u.cfg.Status(code), view.NewSignedOut(signInPath(u.referer(r))))
	case isForm && wantsJSON(r):
		u.fail(w, r, err)
	case !wantsPage(r):
		u.cfg.Problem(w, r, err)
	case !signedOut:
		u.fail(w, r, err)
	case isForm:
		u.signInToSend(w, r, code)
	default:
		to := signInPath(r.URL.RequestURI())
		if code == swarm.CodeTokenExpired {
			to += "&expired=1"
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// guarded refuses requests whose principal does not include the role of their row. The router has refused them before;
// this makes a principal that was forgotten nobody.
func (u *UI) guarded(needs swarm.Role, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		p := swarm.PrincipalOf(r.Context())
		switch {
		case needs == "" || p.Role.Includes(needs):
			next(w, r)
		case p.Role == "":
			u.AccessRefused(w, r, swarm.Errorf(swarm.CodeUnauthenticated, "nobody is signed in"))
		default:
			u.AccessRefused(w, r, swarm.Forbidden(p, needs))
		}
	}
}

// mayRead reports whether the sender of a request may see the swarm.
func mayRead(r *http.Request) bool {
	return swarm.PrincipalOf(r.Context()).Role.Includes(swarm.RoleViewer)
}

// wantsPage distinguishes people who open a page or post a form from scripts and programs.
func wantsPage(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return strings.Contains(r.Header.Get("Accept"), "text/html")
	}
	return false
}

func signInPath(back string) string {
	return "/ui/login?" + url.Values{"back": {localPath(back)}}.Encode()
}

// referer is the path of the page that sent a request, without the base; "/" if it is unknown.
func (u *UI) referer(r *http.Request) string {
	from, err := url.Parse(r.Referer())
	if err != nil || from.Path == "" {
		return "/"
	}
	local := url.URL{Path: "/" + strings.TrimPrefix(strings.TrimPrefix(from.Path, u.base), "/"), RawQuery: from.RawQuery}
	return local.String()
}

// frame is the frame of the pages that anyone may see.
func frame(r *http.Request, title string) page.Frame {
	return page.Frame{Title: title, Assets: assets.Base, Theme: theme(r)}
}

// identify puts what depends on the visitor into the frame of a page.
func (u *UI) identify(c *page.Chrome, r *http.Request, w view.World) {
	p := swarm.PrincipalOf(r.Context())
	c.Rights = view.NewRights(p)
	if u.cfg.Access != nil {
		who := view.NewWho(p, w.Now)
		c.Who, c.Mark = &who, u.mark(r)
	}
	if len(p.Scope) == 0 {
		return
	}
	stop := view.NewScopeStop(w, p.Scope)
	c.Scope = &stop
	if topic := view.ScopeTopic(p.Scope); isTopic(topic) { // otherwise the figures stay those of the page
		c.ScopeFrom = topic
	}
}

// mark is a short text that changes with the visitor of a page and their rights. A live page that receives another one
// is loaded again. It is "" while authentication is off.
func (u *UI) mark(r *http.Request) string {
	if u.cfg.Access == nil {
		return ""
	}
	p := swarm.PrincipalOf(r.Context())
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", p.Name, p.Role, view.Labels(p.Scope), p.Expires.Unix()))
	return hex.EncodeToString(sum[:6])
}
