package view_test

import (
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
