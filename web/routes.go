package web

import (
	"net/http"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/assets"
)

// route is one row of the table of routes.
type route struct {
	method  string
	pattern string     // a pattern of http.ServeMux; "/" is only that path
	needs   swarm.Role // of the visitor; "": anyone
	handler func(*UI, http.ResponseWriter, *http.Request)
}

// routes is the table of routes: the pages, and the requests that pages make. Nothing else is served.
func routes() []route {
	out := []route{
		{http.MethodGet, "/ui/stream", swarm.RoleViewer, (*UI).stream},
		{http.MethodGet, "/ui/series", swarm.RoleViewer, (*UI).series},
		{http.MethodPost, "/ui/commands", swarm.RoleStopper, (*UI).submit},
		{http.MethodGet, "/ui/login", "", (*UI).signInPage},
		{http.MethodPost, "/ui/login", "", (*UI).login},
		{http.MethodPost, "/ui/logout", "", (*UI).logout},
		{http.MethodPost, "/ui/theme", "", (*UI).setTheme},
		{http.MethodGet, assets.Base + "/", "", (*UI).asset},
	}
	for _, row := range pages {
		out = append(out, route{http.MethodGet, row.path, swarm.RoleViewer, (*UI).page})
	}
	return out
}

func (u *UI) router() http.Handler {
	mux := http.NewServeMux()
	for _, row := range routes() {
		if row.pattern == "/" {
			row.pattern = "/{$}"
		}
		handle := func(w http.ResponseWriter, r *http.Request) { row.handler(u, w, r) }
		mux.HandleFunc(row.method+" "+row.pattern, u.guarded(row.needs, handle))
	}
	mux.HandleFunc("/", u.guarded(swarm.RoleViewer, u.unknown))
	return mux
}

func (u *UI) stream(w http.ResponseWriter, r *http.Request) { u.hub.ServeHTTP(w, r) }
func (*UI) asset(w http.ResponseWriter, r *http.Request)    { assets.Serve(w, r) }
