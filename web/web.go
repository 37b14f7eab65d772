package web

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/assets"
	"github.com/swarmcall/swarmcall/web/page"
	"github.com/swarmcall/swarmcall/web/view"
)

// UI is the dashboard.
type UI struct {
	cfg Config
	mux *http.ServeMux
}

// New makes the dashboard.
func New(cfg Config) *UI {
	cfg.setDefaults()
	u := &UI{cfg: cfg, mux: http.NewServeMux()}
	u.mux.HandleFunc("GET /{$}", u.overview)
	u.mux.Handle("GET "+assets.Base+"/", assets.Handler())
	return u
}

func (u *UI) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.mux.ServeHTTP(w, r) }

func (u *UI) overview(w http.ResponseWriter, r *http.Request) {
	o := view.NewOverview(u.world(r.Context()))
	u.write(w, r, http.StatusOK, page.Overview(u.chrome("Overview"), o))
}

func (u *UI) chrome(title string) page.Chrome { return page.Chrome{Title: title, Assets: assets.Base} }

// world takes the roster and the newest commands as they are now.
func (u *UI) world(ctx context.Context) view.World {
	w := view.World{Now: time.Now(), Drivers: u.cfg.Fleet.Drivers()}
	p, err := u.cfg.Log.Page(ctx, swarm.Query{Limit: view.RecentEntries})
	if err != nil {
		u.cfg.Logger.Warn("the dashboard cannot read the log", "err", err)
	}
	w.Recent, w.LogErr = p.Entries, err
	return w
}

// write renders a page before it answers, so that a failure does not end up in half a page.
func (u *UI) write(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		u.cfg.Problem(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	// With no-referrer, browsers send "Origin: null" along with the pages' own forms, and the guard would refuse them.
	h.Set("Referrer-Policy", "same-origin")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the client may be gone
}
