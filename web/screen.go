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

// screen is one page: the whole page and its live parts.
type screen struct {
	title   string // "": the title of its row in the table of pages
	section string // path that the navigation marks
	whole   func(page.Chrome) templ.Component
	live    page.Live
}

// request is the input of a screen. A live topic has no address, because live parts never show one.
type request struct {
	world     view.World
	path      string
	parameter string // value of the parameter of its row
	query     url.Values
	address   string // scheme://host of this server, as the visitor uses it
	page      func(context.Context, swarm.Query) (swarm.Page, error)
}

// screen makes the page of a path.
func (u *UI) screen(ctx context.Context, r request) (screen, error) {
	row, parameter, ok := find(r.path)
	if !ok {
		return screen{}, swarm.Errorf(swarm.CodeNotFound, "There is no such page.")
	}
	r.parameter = parameter
	s, err := row.make(u, ctx, r)
	s.title, s.section = cmp.Or(s.title, row.title), row.section()
	return s, err
}

// show returns the screen of a model.
func show[M any](body func(page.Chrome, M) templ.Component, live func(M) page.Live, m M) screen {
	return screen{live: live(m), whole: func(c page.Chrome) templ.Component { return body(c, m) }}
}

func (u *UI) overview(_ context.Context, r request) (screen, error) {
	return show(page.Overview, page.LiveOverview, view.NewOverview(r.world, r.address)), nil
}

func (u *UI) commands(ctx context.Context, r request) (screen, error) {
	f := view.ReadCommandFilter(r.query)
	p, err := r.page(ctx, f.Query())
	m := view.NewCommands(r.world, f, p, err, r.address)
	m.Ignored = view.IgnoredFilters(r.query)
	return show(page.Commands, page.LiveCommands, m), nil
}

func (u *UI) command(ctx context.Context, r request) (screen, error) {
	n, err := strconv.ParseUint(r.parameter, 10, 64)
	if err != nil {
		return screen{}, swarm.Errorf(swarm.CodeNotFound, "A command is identified by its number.")
	}
	e, err := u.cfg.Log.Entry(ctx, n)
	if err != nil {
		return screen{}, err
	}
	s := show(page.Command, page.LiveCommand, view.NewCommand(r.world, e, r.address))
	s.title = "Command " + r.parameter
	return s, nil
}

func (u *UI) drivers(_ context.Context, r request) (screen, error) {
	m := view.NewDrivers(r.world, view.ReadDriverFilter(r.query), r.address)
	return show(page.Drivers, page.LiveDrivers, m), nil
}

func (u *UI) driver(_ context.Context, r request) (screen, error) {
	m, ok := view.NewDriver(r.world, r.parameter)
	if !ok {
		return screen{}, swarm.Errorf(swarm.CodeNotFound,
			"No driver with this id is known. The server forgets a driver at once when it deregisters, and some "+
				"minutes after it was lost.")
	}
	s := show(page.Driver, page.LiveDriver, m)
	s.title = r.parameter
	return s, nil
}

func (u *UI) heatmap(_ context.Context, r request) (screen, error) {
	return show(page.Heatmap, page.LiveHeatmap, view.NewHeatmap(r.world, view.ReadHeatmapPage(r.query))), nil
}

func (u *UI) nodes(_ context.Context, r request) (screen, error) {
	return show(page.Nodes, page.LiveNodes, view.NewNodes(r.world, u.cfg.Nodes())), nil
}

func (u *UI) about(ctx context.Context, _ request) (screen, error) {
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
	return show(page.About, page.LiveAbout, m), nil
}

// stop asks before a Stop. Its live part is about the labels in the query: visitors with a scope follow theirs from
// every page.
func (u *UI) stop(_ context.Context, r request) (screen, error) {
	s := screen{whole: page.StopPage}
	if labels := view.ParsePairs(r.query["label"]); len(labels) > 0 {
		s.live = page.LiveStop(view.NewScopeStop(r.world, labels))
	}
	return s, nil
}

// address is where the visitor can send commands, without a slash at the end.
func (u *UI) address(r *http.Request) string {
	if p := u.cfg.Public; p != nil {
		return strings.TrimSuffix(p.String(), "/")
	}
	return u.cfg.Address(r)
}
