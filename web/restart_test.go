package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// After a restart the page names the drivers of the last commands that have not reconnected, until they can no longer
// be running.
func TestDriversThatAreNotBack(t *testing.T) {
	entries := webtest.Recently([]swarm.Entry{
		webtest.Entry(9, swarm.Command{Type: command.SetPlayers, Value: 3}, time.Millisecond,
			swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{
				Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
			}),
	})
	stopped := webtest.Recently([]swarm.Entry{
		webtest.Entry(9, swarm.Command{Type: command.Stop}, time.Millisecond,
			swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{
				Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
			}),
	})
	back := webtest.Drivers()[:1]
	for name, tc := range map[string]struct {
		entries []swarm.Entry
		started time.Time
		want    string // on the page; "" if it must not mention them
	}{
		"ran":      {entries, time.Now(), "not reconnected: d-2, d-3"},
		"stopped":  {stopped, time.Now(), "not reconnected: d-3"},
		"long ago": {entries, time.Now().Add(-2 * time.Minute), ""},
	} {
		server := serveLive(t, webtest.NewSwarm(back, tc.entries),
			func(c *web.Config) { c.Started, c.RunsOn = tc.started, time.Minute })
		_, page := get(t, server.URL+"/")
		if strings.Contains(page, "not reconnected") != (tc.want != "") || !strings.Contains(page, tc.want) {
			t.Errorf("%s: the page does not hold %q, or should not", name, tc.want)
		}
	}
}

// TestDriversThatCannotRunOn: what is remembered of the drivers says which targets of the last commands may still be
// running.
func TestDriversThatCannotRunOn(t *testing.T) {
	now := time.Now()
	started := now.Add(-2 * time.Second)
	issued := webtest.Entry(9, swarm.Command{Type: command.SetPlayers, Value: 3}, time.Millisecond, swarm.Verdict{
		Kind: swarm.Acked,
	})
	issued.Issued.SubmittedAt = now.Add(-time.Hour)
	former := func(at time.Time, deregistered bool) []swarm.Former {
		return []swarm.Former{{ID: "d-1", At: at, Deregistered: deregistered}}
	}
	whole := web.Past{At: now.Add(-10 * time.Minute), Whole: true}
	for name, tc := range map[string]struct {
		past   web.Past
		former []swarm.Former
		missed bool
	}{
		"nothing is remembered":        {web.Past{}, nil, true},
		"deregistered":                 {whole, former(now.Add(-30*time.Minute), true), false},
		"deregistered since the start": {whole, former(now.Add(-time.Second), true), false},
		"lost, and its lease runs": {web.Past{At: now.Add(-3 * time.Second), Whole: true},
			former(now.Add(-30*time.Second), false), true},
		"lost, and its lease has run out":     {whole, former(now.Add(-11*time.Minute), false), false},
		"there to the end, a long time ago":   {whole, former(whole.At, false), true},
		"forgotten":                           {whole, nil, false},
		"forgotten, or left out for its size": {web.Past{At: whole.At}, nil, true},
		"came after it was written down":      {web.Past{At: now.Add(-2 * time.Hour), Whole: true}, nil, true},
	} {
		server := serveLive(t, webtest.NewSwarm(nil, []swarm.Entry{issued}), func(c *web.Config) {
			c.Started, c.RunsOn, c.Past = started, time.Minute, tc.past
			c.Remembered = func() []swarm.Former { return tc.former }
		})
		if _, page := get(t, server.URL+"/"); strings.Contains(page, "not reconnected: d-1") != tc.missed {
			t.Errorf("%s: the page says so: %v", name, !tc.missed)
		}
	}
}
