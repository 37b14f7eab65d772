package tui

import (
	"strings"
	"testing"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

func world(t *testing.T) *model {
	t.Helper()
	client, err := remote.Dial(remote.Config{URL: "http://127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	m := &model{client: client, width: 200, height: 24}
	driver := func(id string, acked, applied int64) remote.Driver {
		d := remote.Driver{DriverId: id, State: api.DriverStateActive, AppliedSeq: applied}
		d.LastAck = &api.LastAck{Seq: acked, LatencyMs: 1}
		return d
	}
	open := remote.Entry{Seq: 7, Status: api.StatusPending, Submitter: "me", Counts: api.Counts{Targeted: 3}}
	m.take(look{at: time.Now(), commands: []remote.Entry{open}, drivers: remote.Page[remote.Driver]{
		Items: []remote.Driver{driver("a", 7, 7), driver("b", 5, 5), driver("c", 7, 5)}, // c has refused
	}})
	return m
}

// The roster has the acks of an open command; its entry has none until it closes.
func TestOpenCommandShowsItsAcks(t *testing.T) {
	if rows := world(t).commands(); len(rows) != 1 || !strings.Contains(rows[0], "███······· 1/3") {
		t.Errorf("%q", rows)
	}
}

// The title says live only while the server answers, even if a request has not timed out yet.
func TestSilenceIsNotLive(t *testing.T) {
	m := world(t)
	if title := m.title(); !strings.Contains(title, "● live") {
		t.Error(title)
	}
	m.heard, m.seen.at = m.heard.Add(-3*time.Second), m.seen.at.Add(-3*time.Second)
	if title := m.title(); strings.Contains(title, "live") || !strings.Contains(title, "no answer, as of 3s ago") {
		t.Error(title)
	}
}

func TestEscClearsTheFilterBeforeItLeaves(t *testing.T) {
	m := world(t)
	m.filter = "d-1"
	if m.key("esc") != nil || m.filter != "" {
		t.Errorf("filter %q", m.filter)
	}
	if m.key("esc") == nil {
		t.Error("esc without a filter does not leave")
	}
}

// Players of stale and disconnected drivers are not counted, and the bar of an entry with left-out drivers is not full.
func TestUnknownIsNotCounted(t *testing.T) {
	m := world(t)
	seen := m.seen
	seen.drivers.Items[0].Reported.Players, seen.drivers.Items[1].Reported.Players = 10, 7
	seen.drivers.Items[1].State, seen.drivers.Counts = api.DriverStateStale, api.DriverCounts{Active: 2, Stale: 1}
	n := 3
	seen.commands = []remote.Entry{{Seq: 7, Status: api.StatusComplete, Counts: api.Counts{Targeted: 3, Acked: 3,
		LeftOut: &n}}}
	m.take(seen)
	if got := m.load(); !strings.Contains(got, "players 10, 1 driver unknown") {
		t.Error(got)
	}
	if rows := m.commands(); !strings.Contains(rows[0], "3/6, 3 left out") || !strings.Contains(rows[0], "×") {
		t.Errorf("%q", rows)
	}
}

// A Stop without a driver to stop is not a failure; a Stop that is refused for another reason is.
func TestStopText(t *testing.T) {
	yes := true
	for want, code := range map[string]api.ProblemCode{
		"nothing to stop": api.NoActiveDrivers, "NOT STOPPED": api.NewerCommand,
	} {
		err := &remote.Refusal{Problem: api.Problem{Code: code, NothingToStop: &yes}}
		if got := stopText(stopped{err: err}); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
