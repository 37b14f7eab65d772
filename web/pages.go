package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/page"
)

// entry is one row of the table of pages.
type entry struct {
	path  string // it may end in a parameter, which matches the rest of the path
	title string // "": each page of the row has its own title
	key   string // shortcut key after g; only pages with a key are in the navigation
	under string // path of the navigation entry that this page belongs to, if it has none itself
	make  func(*UI, context.Context, request) (screen, error)
	every time.Duration // shortest time between two live updates; 0: every tick
}

// pages is the table of pages. The router, the navigation, the list of shortcuts and the topics of the live stream are
// built from it.
var pages = []entry{
	{path: "/", title: "Overview", key: "o", make: (*UI).overview},
	{path: "/ui/commands", title: "Commands", key: "c", make: (*UI).commands},
	{path: "/ui/commands/{seq}", under: "/ui/commands", make: (*UI).command},
	{path: "/ui/drivers", title: "Drivers", key: "d", make: (*UI).drivers},
	{path: "/ui/drivers/{id}", under: "/ui/drivers", make: (*UI).driver},
	{path: "/ui/heatmap", title: "Heatmap", key: "h", make: (*UI).heatmap, every: heatmapEvery},
	{path: "/ui/nodes", title: "Nodes", key: "n", make: (*UI).nodes, every: nodesEvery},
	{path: "/ui/about", title: "About", key: "a", make: (*UI).about},
	{path: "/ui/stop", title: "Stop", make: (*UI).stop},
}

// heatmapEvery limits updates of the heatmap, because each command moves every cell.
const heatmapEvery = 2 * time.Second

// nodesEvery is how often nodes describe themselves to each other.
const nodesEvery = time.Second

// find returns the row of a path and the value of its parameter.
func find(path string) (row entry, parameter string, ok bool) {
	for _, row := range pages {
		before, _, any := strings.Cut(row.path, "{")
		if rest, ok := strings.CutPrefix(path, before); ok && (any || rest == "") {
			return row, rest, true
		}
	}
	return entry{}, "", false
}

// section is the path that the navigation marks as current, or "".
func (e entry) section() string {
	if e.key != "" {
		return e.path
	}
	return e.under
}

// tabs are the pages in the navigation.
var tabs = func() (out []page.Tab) {
	for _, row := range pages {
		if row.key != "" {
			out = append(out, page.Tab{Path: row.path, Title: row.title, Key: row.key})
		}
	}
	return out
}()

// isTopic reports whether a path with its query is a topic of the live stream: every page is.
func isTopic(uri string) bool {
	path, query, _ := strings.Cut(uri, "?")
	if len(uri) > 512 || strings.ContainsAny(uri, "\r\n#") {
		return false
	}
	if _, err := url.ParseQuery(query); err != nil {
		return false
	}
	_, _, ok := find(path)
	return ok
}

// page answers a GET of a page.
func (u *UI) page(w http.ResponseWriter, r *http.Request) {
	cursor := u.hub.Cursor() // taken before the world, so that later changes are sent to the page
	world := u.world(r.Context())
	s, err := u.screen(r.Context(), request{
		world: world, path: r.URL.Path, query: r.URL.Query(), address: u.address(r), page: u.cfg.Log.Page,
	})
	if err != nil {
		u.fail(w, r, err)
		return
	}
	c := u.chrome(r, world, s.title)
	c.Active, c.Cursor = s.section, cursor
	if topic := r.URL.RequestURI(); isTopic(topic) {
		c.Topic = topic
	}
	u.write(w, r, http.StatusOK, s.whole(c))
}
