package acceptance

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
)

// answer has the fields of a command, a dry run or a refusal that these tests read.
type answer struct {
	Code    string
	Seq     uint64
	Status  any
	Targets []string
	Split   []struct{ Players int64 }
	LeftOut []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	} `json:"left_out"`
	Counts      map[string]int
	Outstanding []string
	Converged   []string
	IfSeq       *uint64 `json:"if_seq"`
	InUse       *struct {
		Labels    map[string][]string
		DriverIDs []string `json:"driver_ids"`
	} `json:"in_use"`
	Awaited       *bool
	NothingToStop *bool `json:"nothing_to_stop"`
}

func (a answer) leftOut() (list []string) {
	for _, l := range a.LeftOut {
		list = append(list, l.DriverID+" "+l.Reason)
	}
	return list
}

// send posts a body to /commands.
func (s *server) send(t testing.TB, body string) (a answer) {
	t.Helper()
	if err := s.do(t.Context(), http.MethodPost, "/commands", []byte(body), &a); err != nil {
		t.Fatal(err)
	}
	return a
}

// untilEntry reads an entry repeatedly until ok accepts it.
func (s *server) untilEntry(t *testing.T, seq uint64, what string, ok func(answer) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var a answer
		if err := s.do(ctx, http.MethodGet, fmt.Sprintf("/commands/%d", seq), nil, &a); err != nil {
			t.Fatalf("%s: %v, last %+v", what, err, a)
		}
		if ok(a) {
			return
		}
	}
}

// TestATotalWithStaleDrivers: three of six are hung. The entry names them, and lists the drivers that still have to
// apply it when they are back.
func TestATotalWithStaleDrivers(t *testing.T) {
	s := startServer(t, nil)
	drivers := map[string]*sdkDriver{}
	for i := range 6 {
		id := fmt.Sprint("d-", i)
		drivers[id] = s.connect(t, id)
	}
	hung := []string{"d-1", "d-3", "d-5"}
	for _, id := range hung {
		drivers[id].Hang(t)
	}
	dry := s.send(t, `{"command":{"type":"set_players","players_total":60},"dry_run":true}`)
	if len(dry.Targets) != 3 || len(dry.Split) != 3 || dry.Split[0].Players != 20 || !leavesOut(dry, hung) {
		t.Errorf("dry run: %+v", dry)
	}
	a := s.send(t, `{"command":{"type":"set_players","players_total":60},"deadline_ms":10000}`)
	if a.Status != "complete" || a.Counts["left_out"] != 3 || !leavesOut(a, hung) {
		t.Fatalf("got %+v", a)
	}
	s.untilState(t, "the hung ones are unknown",
		func(st stateAnswer) bool { return st.Counts.Unknown == 3 && st.Counts.Converged == 3 })
	s.untilEntry(t, a.Seq, "three are outstanding", func(e answer) bool {
		return slices.Equal(e.Outstanding, hung) && e.Counts["outstanding"] == 3 && e.Counts["converged"] == 3 &&
			!slices.Contains(e.Converged, "d-1")
	})
	for _, id := range hung {
		drivers[id].net.Thaw()
	}
	s.untilEntry(t, a.Seq, "all have applied it",
		func(e answer) bool { return e.Counts["outstanding"] == 0 && e.Counts["converged"] == 6 })
	s.send(t, `{"command":{"type":"set_players","players":1},"deadline_ms":10000}`)
	s.untilEntry(t, a.Seq, "a newer command holds for all",
		func(e answer) bool { _, there := e.Counts["outstanding"]; return !there && e.Outstanding == nil })
}

// leavesOut reports whether exactly these drivers are left out, as stale, or after a while as disconnected.
func leavesOut(a answer, ids []string) bool {
	rest := slices.Clone(ids)
	for _, reason := range []string{" stale", " disconnected"} {
		rest = slices.DeleteFunc(rest, func(id string) bool { return slices.Contains(a.leftOut(), id+reason) })
	}
	return len(rest) == 0 && len(a.leftOut()) == len(ids)
}

// TestADryRunDoesNothing also checks that a dry run is refused in the same cases as the command.
func TestADryRunDoesNothing(t *testing.T) {
	s := startServer(t, nil)
	if a := s.send(t, `{"command":{"type":"set_players","players":5},"dry_run":true}`); a.Code != "no_active_drivers" {
		t.Errorf("without drivers: %+v", a)
	}
	d := s.connect(t, "d-1")
	first := s.send(t, `{"command":{"type":"set_players","players":5}}`)
	for _, tc := range []struct{ body, code string }{
		{`{"command":{"type":"stop"},"dry_run":true}`, ""},
		{`{"command":{"type":"set_players","players":9},"if_seq":1000000,"dry_run":true}`, ""},
		{`{"command":{"type":"stop"},"if_seq":0,"dry_run":true}`, "newer_command"},
		{`{"command":{"type":"stop"},"min_drivers":2,"dry_run":true}`, "not_enough_drivers"},
		{`{"command":{"type":"stop"},"dry_run":1}`, "invalid_command"},
	} {
		if a := s.send(t, tc.body); a.Code != tc.code || tc.code == "" && !slices.Equal(a.Targets, []string{"d-1"}) {
			t.Errorf("%s: %+v", tc.body, a)
		}
	}
	if a := s.send(t, `{"command":{"type":"set_players","players":6}}`); a.Seq != first.Seq+2 || len(d.Applied()) != 2 {
		t.Errorf("after the dry runs: seq %d, want %d; the driver has applied %v", a.Seq, first.Seq+2, d.Applied())
	}
}

// TestAStopThatReachesNoDriver: the refusal of a typo names the values in use; if the drivers have left, there is
// nothing to stop.
func TestAStopThatReachesNoDriver(t *testing.T) {
	play(t, t.TempDir(), func(t *testing.T, s *server) any {
		d := s.connectWith(t, "d-1", map[string]string{"zone": "us"})
		s.send(t, `{"command":{"type":"set_players","players":5},"target":{"labels":{"zone":"us"}}}`)
		typo := s.send(t, `{"command":{"type":"stop"},"target":{"labels":{"zone":"eu"}}}`)
		if typo.Code != "no_active_drivers" || typo.NothingToStop == nil || *typo.NothingToStop ||
			!slices.Equal(typo.InUse.Labels["zone"], []string{"us"}) {
			t.Errorf("a typo: %+v", typo)
		}
		named := s.send(t, `{"command":{"type":"stop"},"target":{"driver_ids":["d-1","d-2"],"labels":{"zone":"eu"}}}`)
		if named.InUse == nil || !slices.Equal(named.InUse.DriverIDs, []string{"d-1"}) {
			t.Errorf("a driver with another label: %+v", named)
		}
		s.send(t, `{"command":{"type":"stop"},"target":{"labels":{"zone":"us"}}}`)
		d.Leave(t)
		for _, target := range []string{`{}`, `{"labels":{"zone":"us"}}`, `{"driver_ids":["d-1"]}`} {
			a := s.send(t, `{"command":{"type":"stop"},"target":`+target+`}`)
			if a.Code != "no_active_drivers" || !*a.NothingToStop {
				t.Errorf("%s, whose drivers have left: %+v", target, a)
			}
		}
		return nil
	})
}

// TestAStopAfterARestart: the drivers deregistered before the restart, so there is nothing to stop.
func TestAStopAfterARestart(t *testing.T) {
	dir := t.TempDir()
	play(t, dir, func(t *testing.T, s *server) any {
		s.connectWith(t, "d-1", map[string]string{"zone": "us"}).Leave(t)
		return nil
	})
	play(t, dir, func(t *testing.T, s *server) any {
		for target, left := range map[string]bool{
			`{}`: true, `{"labels":{"zone":"us"}}`: true, `{"driver_ids":["d-1"]}`: true,
			`{"labels":{"zone":"eu"}}`: false,
		} {
			a := s.send(t, `{"command":{"type":"stop"},"target":`+target+`}`)
			if a.Code != "no_active_drivers" || *a.NothingToStop != left {
				t.Errorf("%s: %+v", target, a)
			}
		}
		return nil
	})
}

// TestAStopWhileDriversAreDisconnected: soon after a restart no driver has reconnected yet. The Stop waits for drivers
// of the load in effect.
func TestAStopWhileDriversAreDisconnected(t *testing.T) {
	dir := t.TempDir()
	play(t, dir, func(t *testing.T, s *server) any {
		ws := bare.Dial(t, s.url, nil)
		ws.Send(`{"type":"register","driver_id":"d-1","labels":{"zone":"us"}}`)
		ws.Next()
		defer func() { _ = ws.Conn.CloseNow() }() // without a close frame
		return s.send(t,
			`{"command":{"type":"set_players","players":5},"target":{"labels":{"zone":"us"}},"deadline_ms":1}`).Seq
	})
	play(t, dir, func(t *testing.T, s *server) any {
		a := s.send(t, `{"command":{"type":"stop"},"target":{"labels":{"zone":"us"}}}`)
		if a.Code != "" || a.Counts["targeted"] != 0 || a.Awaited == nil || !*a.Awaited {
			t.Fatalf("a Stop for who is not back: %+v", a)
		}
		d := s.connectWith(t, "d-1", map[string]string{"zone": "us"})
		s.untilState(t, "the driver that is back is at rest",
			func(st stateAnswer) bool { return st.Counts.Converged == 1 })
		if got := d.Applied(); len(got) != 1 || got[0].Seq != a.Seq {
			t.Errorf("it was told %v, want the Stop", got)
		}
		again := s.send(t, `{"command":{"type":"stop"},"target":{"labels":{"zone":"asia"}}}`)
		if again.Code != "no_active_drivers" || *again.NothingToStop {
			t.Errorf("a zone that no load is desired of: %+v", again)
		}
		return nil
	})
}

// TestLoadOfDriversThatWereForgotten: another driver keeps the swarm alive, and a new driver with the old id, or the
// old label, does not receive the old load.
func TestLoadOfDriversThatWereForgotten(t *testing.T) {
	short := func(c *app.Config) {
		// Not shorter: a busy machine may delay the driver that must stay.
		c.StaleAfter, c.ForgetAfter, c.LeaseTTL = 3*time.Second, 3*time.Second, 3*time.Second
	}
	s := startServer(t, short)
	s.connect(t, "keeper")
	s.send(t, `{"command":{"type":"set_players","players":1},"target":{"driver_ids":["keeper"]}}`)
	pod := s.connectWith(t, "pod-5", map[string]string{"zone": "eu"})
	var replaced []uint64
	for _, target := range []string{`{"driver_ids":["pod-5"]}`, `{"labels":{"zone":"eu"}}`} {
		e := s.send(t, `{"command":{"type":"set_players","players":700},"target":`+target+`}`)
		replaced = append(replaced, e.Seq)
	}
	pod.Leave(t)
	for got, after := []uint64{}, 0; len(got) < 2; after++ {
		e := s.events(t, fmt.Sprintf("/commands/stream?after=%d", after), "", 1)[0]
		if e.name != "expired" {
			continue
		}
		var expired struct{ Replaced uint64 }
		if err := json.Unmarshal([]byte(e.data), &expired); err != nil || !slices.Contains(replaced, expired.Replaced) {
			t.Fatalf("%v %v", e, err)
		}
		got = append(got, expired.Replaced)
	}
	for _, id := range []string{"pod-5", "pod-6"} {
		d := s.connectWith(t, id, map[string]string{"zone": "eu"})
		if got := d.Applied(); len(got) != 0 {
			t.Errorf("%s was told %v", id, got)
		}
	}
}

// TestTwoTeams: commands to drivers outside a target do not concern it, however similar the labels are.
func TestTwoTeams(t *testing.T) {
	s := startServer(t, nil)
	s.connectWith(t, "eu", map[string]string{"region": "eu"})
	s.connectWith(t, "b", map[string]string{"team": "b"})
	ours := s.send(t,
		`{"submitter":"ci","command":{"type":"set_players","players":5},"target":{"labels":{"region":"eu"}}}`)
	theirs := s.send(t, `{"submitter":"b","command":{"type":"stop"},"target":{"labels":{"team":"b"}}}`)
	const step = `{"submitter":"ci","command":{"type":"set_players","players":%d},` +
		`"target":{"labels":{"region":"eu"}},"if_seq":%d}`
	next := s.send(t, fmt.Sprintf(step, 6, ours.Seq))
	if next.Code != "" || next.IfSeq == nil || *next.IfSeq != ours.Seq {
		t.Fatalf("disturbed by another team: %+v", next)
	}
	both := s.connectWith(t, "both", map[string]string{"region": "eu", "team": "b"})
	s.untilState(t, "all do as they are told", func(a stateAnswer) bool { return a.Counts.Converged == 3 })
	if got := both.Applied(); len(got) != 1 || got[0].Seq != theirs.Seq {
		t.Errorf("a driver of both was told %v; the Stop of seq %d is newer than what our run is based on", got,
			theirs.Seq)
	}
	last := s.send(t, fmt.Sprintf(step, 7, next.Seq))
	if last.Code != "" || !slices.Equal(last.leftOut(), []string{"both other_run"}) || last.Counts["targeted"] != 1 {
		t.Errorf("the next step: %+v", last)
	}
}
