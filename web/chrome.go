package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/assets"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

const themeCookie = "swarmcall_theme"

func (u *UI) chrome(r *http.Request, w view.World, title string) page.Chrome {
	c := page.Chrome{
		Title: title, Tabs: tabs, Assets: assets.Base, Build: assets.Build, Theme: theme(r), Here: r.URL.RequestURI(),
		Strip:    view.NewStrip(w),
		Patience: view.Patience(u.cfg.DefaultDeadline), Made: view.At(w.Now).ISO, Posted: r.Method == http.MethodPost,
	}
	u.identify(&c, r, w)
	return c
}

// theme reads the theme from a cookie, so that a page is sent in the right colours and does not change them after it is
// shown.
func theme(r *http.Request) string {
	c, err := r.Cookie(themeCookie)
	if err != nil || (c.Value != "dark" && c.Value != "light") {
		return ""
	}
	return c.Value
}

func (u *UI) setTheme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	value := r.PostFormValue("theme")
	if value == "dark" || value == "light" {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // no secret: a script may change it, and plain HTTP may carry it
			Name: themeCookie, Value: value, Path: u.base + "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
			SameSite: http.SameSiteLaxMode,
			Secure:   strings.HasPrefix(u.address(r), "https://"),
		})
	}
	back := localPath(r.PostFormValue("back"))
	http.Redirect(w, r, back, http.StatusSeeOther)
}

// localPath returns the path to go back to: always a path of this server.
func localPath(s string) string {
	to, err := url.Parse(s)
	if err != nil || to.Scheme != "" || to.Host != "" || !strings.HasPrefix(to.Path, "/") ||
		strings.ContainsAny(s, "\\\r\n") || strings.HasPrefix(s, "//") {
		return "/"
	}
	if query, _ := url.QueryUnescape(to.RawQuery); swarm.HasSecret(to.Path) || swarm.HasSecret(query) {
		return "/"
	}
	return to.RequestURI()
}
