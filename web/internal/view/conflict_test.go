package view_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

// TestAConflictIsShown: a driver whose id several processes use is not shown as healthy, in the list and on its page.
func TestAConflictIsShown(t *testing.T) {
	d := swarm.Driver{ID: "d-1", State: swarm.Active, Conflict: &swarm.Conflict{RemoteAddrs: [2]string{"192.0.2.1:1",
		"192.0.2.2:2"}, Takeovers: 7}}
	shown := func() (view.DriverRow, view.Driver) {
		w := viewtest.Compare(view.World{Drivers: []swarm.Driver{d}})
		page, _ := view.NewDriver(w, d.ID)
		return view.NewDrivers(w, view.ReadDriverFilter(nil), "").Rows[0], page
	}
	row, page := shown()
	if want := (view.Badge{Tone: view.Warn, Word: "id conflict"}); row.State != want || page.State != want {
		t.Errorf("row %+v, page %+v", row.State, page.State)
	}
	for _, want := range []string{"192.0.2.1:1 and 192.0.2.2:2", "7 times"} {
		if !strings.Contains(page.Why, want) {
			t.Errorf("no %q in %q", want, page.Why)
		}
	}
	d.State = swarm.Disconnected
	if row, _ := shown(); row.State != view.DriverBadge(swarm.Disconnected) {
		t.Errorf("of one that is lost: %+v", row.State)
	}
}

// TestAConflictComesFirst: the overview has room for some drivers only, and the worst of them is the one whose id
// several processes use, even if it reports its target and others are lost.
func TestAConflictComesFirst(t *testing.T) {
	var drivers []swarm.Driver
	for i := range 20 {
		drivers = append(drivers, swarm.Driver{ID: fmt.Sprintf("d-%02d", i), State: swarm.Active})
	}
	drivers[3].State = swarm.Disconnected
	drivers[4].State = swarm.Stale
	drivers[5].State, drivers[5].Conflict = swarm.Disconnected, new(swarm.Conflict)
	drivers[17].Conflict = new(swarm.Conflict)
	w := viewtest.Compare(view.World{Drivers: drivers})
	var overview, list []string
	for _, row := range view.NewOverview(w, "").Worst[:4] {
		overview = append(overview, row.ID)
	}
	for _, row := range view.NewDrivers(w, view.ReadDriverFilter(nil), "").Rows[:4] {
		list = append(list, row.ID)
	}
	const want = "[d-17 d-03 d-05 d-04]"
	if fmt.Sprint(overview) != want || fmt.Sprint(list) != want {
		t.Errorf("the worst are %v on the overview and %v in the list, want %s", overview, list, want)
	}
}
