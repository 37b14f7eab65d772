package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
	"github.com/swarmcall/swarmcall/web/webtest"
)

// After a restart the page names the drivers of the last commands that are not back, until their time is over: they may run on.
func TestDriversThatAreNotBack(t *testing.T) {
	entries := webtest.Recently([]swarm.Entry{
		webtest.Entry(9, swarm.Command{Type: swarm.SetPlayers, Players: 3}, time.Millisecond,
			swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}),
	})
	stopped := webtest.Recently([]swarm.Entry{
		webtest.Entry(9, swarm.Command{Type: swarm.Stop}, time.Millisecond,
			swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}),
	})
	back := webtest.Drivers()[:1]
	for name, tc := range map[string]struct {
		entries []swarm.Entry
		started time.Time
		want    string // in the page, or "" for no word of it
	}{
		"ran":      {entries, time.Now(), "not back: d-2, d-3"},
		"stopped":  {stopped, time.Now(), "not back: d-3"},
		"long ago": {entries, time.Now().Add(-2 * time.Minute), ""},
	} {
		server := serveLive(t, webtest.NewSwarm(back, tc.entries), func(c *web.Config) { c.Started, c.RunsOn = tc.started, time.Minute })
		_, page := get(t, server.URL+"/")
		if strings.Contains(page, "not back") != (tc.want != "") || !strings.Contains(page, tc.want) {
			t.Errorf("%s: the page does not hold %q, or should not", name, tc.want)
		}
	}
}
