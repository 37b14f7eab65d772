package web

import (
	"net/http"

	"github.com/swarmcall/swarmcall/web/internal/assets"
)

// route is one row of the table of routes.
type route struct {
	method  string
	pattern string // a pattern of http.ServeMux; "/" is only that path
	handler func(*UI, http.ResponseWriter, *http.Request)
}

// routes is the table of routes: the pages, and the requests that pages make. Nothing else is served.
func routes() []route {
	out := []route{
		{http.MethodGet, "/ui/stream", func(u *UI, w http.ResponseWriter, r *http.Request) { u.hub.ServeHTTP(w, r) }},
		{http.MethodGet, "/ui/series", (*UI).series},
		{http.MethodPost, "/ui/commands", (*UI).submit},
		{http.MethodPost, "/ui/theme", (*UI).setTheme},
		{http.MethodGet, assets.Base + "/", func(_ *UI, w http.ResponseWriter, r *http.Request) { assets.Serve(w, r) }},
	}
	for _, row := range pages {
		out = append(out, route{http.MethodGet, row.path, (*UI).page})
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
		mux.HandleFunc(row.method+" "+row.pattern, handle)
	}
	mux.HandleFunc("/", u.unknown)
	return mux
}
