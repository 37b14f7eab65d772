package view

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestAConflictIsShown: a driver whose id several processes use is no healthy one, in the list and on its page.
func TestAConflictIsShown(t *testing.T) {
	d := swarm.Driver{ID: "d-1", State: swarm.Active, Conflict: &swarm.Conflict{RemoteAddrs: [2]string{"192.0.2.1:1",
		"192.0.2.2:2"}, Takeovers: 7}}
	w := World{Drivers: []swarm.Driver{d}}
	if row := newDriverRow(w, d, Aim{}); row.State != (Badge{Warn, "id conflict"}) {
		t.Errorf("row %+v", row.State)
	}
	for _, want := range []string{"192.0.2.1:1 and 192.0.2.2:2", "7 times"} {
		if text := conflictText(d.Conflict); !strings.Contains(text, want) {
			t.Errorf("no %q in %q", want, text)
		}
	}
	d.State = swarm.Disconnected
	if badge := driverBadge(d); badge != DriverBadge(swarm.Disconnected) {
		t.Errorf("of one that is lost: %+v", badge)
	}
}
