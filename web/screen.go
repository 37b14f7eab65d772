package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// screen is one page: as a whole, and what of it is live.
type screen struct {
	title  string
	active string // path of the section
	status int    // 0: 200
	whole  func(page.Chrome) templ.Component
	live   page.Live
}

// request is what a screen is made from. A live topic has no address: what is live never shows one.
type request struct {
	world   view.World
	path    string
	query   url.Values
	address string // scheme://host of this server, as the visitor knows it
	page    func(context.Context, swarm.Query) (swarm.Page, error)
}

// screen makes the page of a path.
func (u *UI) screen(ctx context.Context, r request) (screen, error) {
	switch {
	case r.path == "/":
		m := view.NewOverview(r.world, r.address)
		return screen{title: "Overview", active: "/", live: page.LiveOverview(m), whole: whole(page.Overview, m)}, nil
	case r.path == "/ui/commands":
		f := view.ReadCommandFilter(r.query)
		p, err := r.page(ctx, f.Query())
		m := view.NewCommands(r.world, f, p, err, r.address)
		m.Ignored = view.IgnoredFilters(r.query)
		return screen{title: "Commands", active: "/ui/commands", live: page.LiveCommands(m), whole: whole(page.Commands, m)}, nil
	case r.path == "/ui/drivers":
		m := view.NewDrivers(r.world, view.ReadDriverFilter(r.query), r.address)
		return screen{title: "Drivers", active: "/ui/drivers", live: page.LiveDrivers(m), whole: whole(page.Drivers, m)}, nil
	case r.path == "/ui/heatmap":
		m := view.NewHeatmap(r.world, view.ReadHeatmapPage(r.query))
		return screen{title: "Heatmap", active: "/ui/heatmap", live: page.LiveHeatmap(m), whole: whole(page.Heatmap, m)}, nil
	case r.path == "/ui/about":
		m := u.about(ctx)
		return screen{title: "About", active: "/ui/about", live: page.LiveAbout(m), whole: whole(page.About, m)}, nil
	case r.path == "/ui/stop":
		return screen{title: "Stop", whole: page.StopPage}, nil
	case strings.HasPrefix(r.path, "/ui/commands/"):
		return u.commandScreen(ctx, r, strings.TrimPrefix(r.path, "/ui/commands/"))
	case strings.HasPrefix(r.path, "/ui/drivers/"):
		return driverScreen(r, strings.TrimPrefix(r.path, "/ui/drivers/"))
	default:
		return screen{}, swarm.Errorf(swarm.CodeNotFound, "There is no such page.")
	}
}

func whole[M any](body func(page.Chrome, M) templ.Component, m M) func(page.Chrome) templ.Component {
	return func(c page.Chrome) templ.Component { return body(c, m) }
}

func (u *UI) commandScreen(ctx context.Context, r request, seq string) (screen, error) {
	n, err := strconv.ParseUint(seq, 10, 64)
	if err != nil {
		return screen{}, swarm.Errorf(swarm.CodeNotFound, "A command is named by its number.")
	}
	e, err := u.cfg.Log.Entry(ctx, n)
	if err != nil {
		return screen{}, err
	}
	m := view.NewCommand(r.world, e, r.address)
	return screen{title: "Command " + seq, active: "/ui/commands", live: page.LiveCommand(m), whole: whole(page.Command, m)}, nil
}

func driverScreen(r request, id string) (screen, error) {
	m, ok := view.NewDriver(r.world, id)
	if !ok {
		return screen{}, swarm.Errorf(swarm.CodeNotFound, "No driver of that name is known. One that left in order is forgotten at once, a lost one after some minutes.")
	}
	return screen{title: id, active: "/ui/drivers", live: page.LiveDriver(m), whole: whole(page.Driver, m)}, nil
}

func (u *UI) about(ctx context.Context) view.About {
	var m view.About
	for _, f := range u.cfg.About {
		m.Facts = append(m.Facts, view.Figure{Name: f.Name, Value: cmp.Or(f.Value, "unknown")})
	}
	for _, f := range u.cfg.Limits {
		m.Limits = append(m.Limits, view.Figure(f))
	}
	for _, c := range u.health.checks(ctx) {
		m.Checks = append(m.Checks, view.NewCheckRow(c.Name, c.Detail, c.OK))
	}
	return m
}

// page answers a GET of a screen.
func (u *UI) page(w http.ResponseWriter, r *http.Request) {
	cursor := u.hub.Cursor() // before the world: what changes from here on is sent to the page
	world := u.world(r.Context())
	s, err := u.screen(r.Context(), request{
		world: world, path: r.URL.Path, query: r.URL.Query(), address: u.address(r), page: u.cfg.Log.Page,
	})
	if err != nil {
		u.fail(w, r, err)
		return
	}
	c := u.chrome(r, world, s.title)
	c.Active, c.Cursor = s.active, cursor
	if topic := r.URL.RequestURI(); isTopic(topic) {
		c.Topic = topic
	}
	u.write(w, r, max(s.status, http.StatusOK), s.whole(c))
}

// isTopic tells which pages have something live.
func isTopic(uri string) bool {
	path, query, _ := strings.Cut(uri, "?")
	if len(uri) > 512 || strings.ContainsAny(uri, "\r\n#") {
		return false
	}
	if _, err := url.ParseQuery(query); err != nil {
		return false
	}
	switch path {
	case "/", "/ui/commands", "/ui/drivers", "/ui/heatmap", "/ui/about", "/ui/stop":
		return true
	}
	return strings.HasPrefix(path, "/ui/commands/") || strings.HasPrefix(path, "/ui/drivers/")
}

// address is where the visitor can send commands, without a slash at the end.
func (u *UI) address(r *http.Request) string {
	if p := u.cfg.Public; p != nil {
		return strings.TrimSuffix(p.String(), "/")
	}
	return u.cfg.Address(r)
}

func address(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
