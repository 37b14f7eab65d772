package web_test

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// TestPagesShowAConflict: each page with the driver has the badge, beside this driver and no other.
func TestPagesShowAConflict(t *testing.T) {
	drivers := webtest.Drivers()
	const id, badge = "d-3", "id conflict"
	drivers[2].Conflict = &swarm.Conflict{RemoteAddrs: [2]string{"192.0.2.1:1", "192.0.2.2:2"}, Takeovers: 7}
	server := serve(t, webtest.NewSwarm(drivers, webtest.Entries()))
	for path, row := range map[string]string{"/": `<tr id="w-` + id + `"`, "/ui/drivers": `<tr id="d-` + id + `"`} {
		_, body := get(t, server.URL+path)
		before, from, found := strings.Cut(body, row)
		own, after, _ := strings.Cut(from, "</tr>")
		if !found || !strings.Contains(own, badge) || strings.Contains(before+after, badge) {
			t.Errorf("%s does not say %q of %s, or says it of others too:\n%s", path, badge, id, own)
		}
	}
	_, page := get(t, server.URL+"/ui/drivers/"+id)
	for _, want := range []string{badge, "192.0.2.1:1 and 192.0.2.2:2", "7 times"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of %s does not say %q", id, want)
		}
	}
	if _, other := get(t, server.URL+"/ui/drivers/d-1"); strings.Contains(other, badge) {
		t.Errorf("the page of d-1 says %q", badge)
	}
}
