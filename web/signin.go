package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// Anyone may post to the sign-in page, so its bodies are small.
const (
	maxCarried = 64 << 10  // of a form that is kept while its sender signs in
	maxSignIn  = 256 << 10 // that form is encoded twice, which may triple its length
)

// signInPage answers a GET of the sign-in page.
func (u *UI) signInPage(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	m := u.signIn(r, q.Get("back"))
	if q.Has("expired") && m.Who == nil {
		m.Says = "Your sign-in has expired."
	}
	u.showSignIn(w, r, http.StatusOK, m)
}

// signIn makes the page for the sender of a request.
func (u *UI) signIn(r *http.Request, back string) view.SignIn {
	m := view.SignIn{Title: "Sign in", Back: localPath(back), Off: u.cfg.Access == nil, Plain: !u.keepsCookie(r)}
	if p := swarm.PrincipalOf(r.Context()); p.Role != "" && !m.Off {
		who := view.NewWho(p, time.Now())
		m.Who = &who
	}
	return m
}

func (u *UI) showSignIn(w http.ResponseWriter, r *http.Request, status int, m view.SignIn) {
	u.write(w, r, status, page.SignIn(frame(r, m.Title), m))
}

// login checks a token, keeps it as a session cookie and shows the page that the person came from.
func (u *UI) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxSignIn)
	err := r.ParseForm()
	m := u.signIn(r, r.PostForm.Get("back"))
	m.Carry = r.PostForm.Get("carry")
	if m.Off {
		u.showSignIn(w, r, http.StatusOK, m)
		return
	}
	if err != nil {
		m.Error = "The form cannot be read."
		u.showSignIn(w, r, http.StatusBadRequest, m)
		return
	}
	token := strings.TrimSpace(r.PostForm.Get("token"))
	if token == "" {
		m.Error = "Enter a token."
		u.showSignIn(w, r, u.cfg.Status(swarm.CodeUnauthenticated), m)
		return
	}
	cookie, expires, who, err := u.cfg.Access.SignIn(r, token)
	if err != nil {
		m.Error = u.noSignIn(err)
		u.showSignIn(w, r, u.cfg.Status(swarm.CodeOf(err)), m)
		return
	}
	if !who.Role.Includes(swarm.RoleViewer) {
		m.Error = "This token belongs to " + who.Name + ", which has the role " + string(who.Role) +
			". A driver's token opens no pages."
		u.showSignIn(w, r, u.cfg.Status(swarm.CodeForbidden), m)
		return
	}
	http.SetCookie(w, u.sessionCookie(r, cookie, expires))
	u.signedIn(w, r.WithContext(swarm.WithPrincipal(r.Context(), who)), m)
}

// noSignIn says why a token was refused. It repeats no text that may have a part of the token.
func (u *UI) noSignIn(err error) string {
	switch swarm.CodeOf(err) {
	case swarm.CodeUnauthenticated:
		return "This token is not valid. Check that you have all of it, and that it was not revoked."
	case swarm.CodeTokenExpired:
		return "This token has expired. Ask the operator of this server for a new one."
	case swarm.CodeRateLimited:
		return "There were too many attempts. Wait a moment, then try again."
	}
	u.cfg.Logger.Error("cannot sign a person in", "err", err)
	return "The sign-in failed. The cause is in the server's own log."
}

// signedIn shows the page that a person came from, or the form that they sent while they were signed out. The form is
// not sent: they may have stopped the load by other means since.
func (u *UI) signedIn(w http.ResponseWriter, r *http.Request, m view.SignIn) {
	posted, _ := url.ParseQuery(m.Carry) // a part that is not valid is left out
	form := view.NewCarriedForm(posted)
	if form == nil {
		http.Redirect(w, r, m.Back, http.StatusSeeOther)
		return
	}
	f := view.Failure{
		Title: "Signed in", Says: "Nothing has been sent yet. Check the form, then send it.", Form: form,
		BackURL: m.Back, BackWord: "Do not send it",
	}
	u.write(w, r, http.StatusOK, page.Failure(u.chrome(r, u.world(r.Context()), f.Title), f))
}

// signInToSend asks the sender of a form to sign in, and keeps the form.
func (u *UI) signInToSend(w http.ResponseWriter, r *http.Request, code swarm.Code) {
	r.Body = http.MaxBytesReader(w, r.Body, maxCarried)
	m := u.signIn(r, u.referer(r))
	m.Title, m.Says = "Signed out", "You are signed out. Nothing was sent. Sign in; the form is then shown again."
	if code == swarm.CodeTokenExpired {
		m.Says = "Your sign-in has expired. Nothing was sent. Sign in; the form is then shown again."
	}
	err := r.ParseForm()
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		m.Says = "You are signed out. Nothing was sent. The form is too large to be kept here: sign in, then go back."
	}
	if err == nil {
		m.Carry = r.PostForm.Encode()
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	u.showSignIn(w, r, u.cfg.Status(code), m)
}

// logout deletes the session cookie.
func (u *UI) logout(w http.ResponseWriter, r *http.Request) {
	if u.cfg.Access != nil {
		u.cfg.Access.SignOut(r)
	}
	c := u.sessionCookie(r, "", time.Unix(0, 0)) //nolint:gosec // Secure depends on the address
	c.MaxAge = -1
	http.SetCookie(w, c)
	http.Redirect(w, r, "/ui/login", http.StatusSeeOther)
}

func (u *UI) sessionCookie(r *http.Request, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure depends on the address
		Name: u.cfg.SessionCookie, Value: value, Path: u.base + "/", Expires: expires,
		HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: !plainLoopback(u.address(r)),
	}
}

// keepsCookie reports whether the visitor's browser accepts the session cookie: a secure one needs https.
func (u *UI) keepsCookie(r *http.Request) bool {
	address := u.address(r)
	return strings.HasPrefix(address, "https://") || plainLoopback(address)
}

// plainLoopback recognizes an address of the visitor's own machine without encryption: there a cookie cannot be secure,
// and nobody on a network can read it.
func plainLoopback(address string) bool {
	a, err := url.Parse(address)
	if err != nil || a.Scheme != "http" {
		return false
	}
	host := strings.ToLower(a.Hostname())
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
}
