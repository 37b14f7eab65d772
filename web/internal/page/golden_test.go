package page_test

import (
	"bytes"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

var update = flag.Bool("update", false, "write the golden files")

// tabs is a navigation for these tests; package web has the real one.
var tabs = []page.Tab{
	{Path: "/", Title: "Overview", Key: "o"}, {Path: "/ui/commands", Title: "Commands", Key: "c"},
	{Path: "/ui/drivers", Title: "Drivers", Key: "d"}, {Path: "/ui/heatmap", Title: "Heatmap", Key: "h"},
	{Path: "/ui/nodes", Title: "Nodes", Key: "n"}, {Path: "/ui/about", Title: "About", Key: "a"},
}

// TestGolden keeps the HTML of each page as a file, so that reviewers see each change.
func TestGolden(t *testing.T) {
	const address = "http://127.0.0.1:8080"
	w, none := viewtest.World(), viewtest.Compare(view.World{Now: webtest.Now})
	// a world without the newest command, so that no command is newer than the retried one
	older := viewtest.Compare(view.World{Now: w.Now, Drivers: w.Drivers, Recent: w.Recent[1:]})
	split := viewtest.SplitWorld()
	down := viewtest.Compare(view.World{
		Now: webtest.Now, Drivers: webtest.Drivers(), LogErr: swarm.Errorf(swarm.CodeLogUnavailable, "disk"),
		Trouble: "the disk is full",
	})
	chrome := func(w view.World) page.Chrome {
		return page.Chrome{
			Title: "Test", Tabs: tabs, Assets: "/assets", Active: "/", Topic: "/", Here: "/", Theme: "dark",
			Patience: "10000", Made: "2026-11-03T12:00:00Z", Strip: view.NewStrip(w),
			Rights: view.NewRights(swarm.AnonymousPrincipal()),
		}
	}
	d, _ := view.NewDriver(w, "d-4")
	outside, _ := view.NewDriver(split, "d-5")
	withdrawn, _ := view.NewDriver(split, "d-6")
	about := view.About{
		Facts: []view.Figure{{Name: "Version", Value: "v1.0.0"}}, Limits: []view.Figure{{Name: "Log", Value: "8 GiB"}},
		Checks: []view.CheckRow{view.NewCheckRow("log", "sync always", true)},
	}
	refused := view.Failure{
		Title: "Nothing was sent", Says: "These values are not valid:",
		Errors: []view.Figure{{Name: "Players", Value: "must be a whole number"}}, BackURL: "/",
		BackWord: "To the overview",
		Form: view.NewFormAgain(url.Values{
			"type": {"set_players"}, "players": {"many"}},
			[]swarm.FieldError{{Pointer: "/players", Detail: "must be a whole number"}}),
	}
	as := func(c page.Chrome, p swarm.Principal) page.Chrome {
		who := view.NewWho(p, webtest.Now)
		c.Who, c.Mark, c.Rights = &who, "0123456789ab", view.NewRights(p)
		if len(p.Scope) > 0 {
			stop := view.NewScopeStop(w, p.Scope)
			c.Scope, c.ScopeFrom = &stop, view.ScopeTopic(p.Scope)
		}
		return c
	}
	viewer := swarm.Principal{Name: "wall", Role: swarm.RoleViewer}
	stopper := swarm.Principal{Name: "on-call", Role: swarm.RoleStopper, Expires: webtest.Now.Add(3 * time.Hour)}
	scoped := swarm.Principal{Name: "ci-nightly", Role: swarm.RoleController, Scope: map[string]string{"region": "eu"},
		Expires: webtest.Now.Add(190 * time.Minute)}
	elsewhere := scoped
	elsewhere.Scope = map[string]string{"region": "us"}
	who := view.NewWho(scoped, webtest.Now)
	frame := page.Frame{Title: "Sign in", Assets: "/assets", Theme: "dark"}
	carried := view.Failure{Title: "Signed in", Says: "Nothing has been sent yet.", BackURL: "/", BackWord: "Back",
		Form: view.NewCarriedForm(url.Values{"type": {"stop"}, "scope": {"region=eu"}, "driver_ids": {"d-1"}})}
	filter := view.CommandFilter{Status: "partial", Before: "99"}
	for name, component := range map[string]templ.Component{
		"overview":          page.Overview(chrome(w), view.NewOverview(w, address)),
		"overview-empty":    page.Overview(chrome(none), view.NewOverview(none, address)),
		"overview-log-down": page.Overview(chrome(down), view.NewOverview(down, address)),
		"commands": page.Commands(chrome(w),
			view.NewCommands(w, filter, swarm.Page{Entries: w.Recent, More: true}, nil, address)),
		"command":           page.Command(chrome(w), view.NewCommand(w, w.Recent[1], address)),
		"command-retry":     page.Command(chrome(w), view.NewCommand(older, w.Recent[1], address)),
		"command-left-out":  page.Command(chrome(split), view.NewCommand(split, split.Recent[0], address)),
		"command-no-driver": page.Command(chrome(split), view.NewCommand(split, split.Recent[1], address)),
		"command-expired":   page.Command(chrome(split), view.NewCommand(split, split.Recent[2], address)),
		"commands-split": page.Commands(chrome(split),
			view.NewCommands(split, view.CommandFilter{}, swarm.Page{Entries: split.Recent}, nil, address)),
		"overview-split":   page.Overview(chrome(split), view.NewOverview(split, address)),
		"driver-outside":   page.Driver(chrome(split), outside),
		"driver-withdrawn": page.Driver(chrome(split), withdrawn),
		"heatmap-split":    page.Heatmap(chrome(split), view.NewHeatmap(split, 1)),
		"command-late":     page.Command(chrome(w), view.NewCommand(w, w.Recent[3], address)),
		"command-pending":  page.Command(chrome(w), view.NewCommand(w, w.Recent[0], address)),
		"drivers":          page.Drivers(chrome(w), view.NewDrivers(w, view.ReadDriverFilter(nil), address)),
		"driver":           page.Driver(chrome(w), d),
		"heatmap":          page.Heatmap(chrome(w), view.NewHeatmap(w, 1)),
		"nodes":            page.Nodes(chrome(w), view.NewNodes(w, webtest.Nodes())),
		"nodes-alone":      page.Nodes(chrome(w), view.NewNodes(w, []swarm.Node{webtest.Alone(5)})),
		"about":            page.About(chrome(w), about),
		"refused":          page.Failure(chrome(w), refused),
		"stop":             page.StopPage(chrome(w)),
		"stop-scope":       page.StopPage(as(chrome(w), scoped)),
		"stop-viewer":      page.StopPage(as(chrome(w), viewer)),
		"overview-viewer":  page.Overview(as(chrome(w), viewer), view.NewOverview(w, address)),
		"overview-scope":   page.Overview(as(chrome(w), scoped), view.NewOverview(w, address)),
		"driver-stopper":   page.Driver(as(chrome(w), stopper), d),
		"driver-elsewhere": page.Driver(as(chrome(w), elsewhere), d),
		"command-viewer":   page.Command(as(chrome(older), viewer), view.NewCommand(older, w.Recent[1], address)),
		"about-scope":      page.About(as(chrome(w), scoped), about),
		"carried":          page.Failure(as(chrome(w), scoped), carried),
		"sign-in":          page.SignIn(frame, view.SignIn{Title: "Sign in", Back: "/ui/drivers"}),
		"sign-in-error": page.SignIn(frame, view.SignIn{Title: "Signed out", Says: "You are signed out.",
			Error: "This token is not valid.", Plain: true, Back: "/", Carry: "type=stop&note=%22"}),
		"sign-in-already": page.SignIn(frame, view.SignIn{Title: "Sign in", Back: "/", Who: &who}),
		"sign-in-off":     page.SignIn(frame, view.SignIn{Title: "Sign in", Back: "/", Off: true}),
		"denied":          page.Denied(frame, view.Denied{Title: "Not allowed", Says: "d has the role driver."}),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, component) })
	}
}

func golden(t *testing.T, name string, component templ.Component) {
	t.Helper()
	var b bytes.Buffer
	if err := component.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(b.String(), "><", ">\n<") // one element per line, to be readable
	file := filepath.Join("testdata", name+".html")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it with: go test ./web/internal/page -update && git diff", file)
	}
}
