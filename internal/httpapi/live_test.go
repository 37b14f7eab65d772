package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// shown is the part of an answer that these tests check.
type shown struct {
	Code         string
	Counts       map[string]int
	Outstanding  []string
	Converged    []string
	Deregistered []string
	LeftOut      []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	} `json:"left_out"`
	IfSeq         *uint64 `json:"if_seq"`
	Targets       []string
	Split         []struct{ Players int64 }
	Shortfall     *int64
	Restrictions  []any
	InUse         *struct{ Labels map[string][]string } `json:"in_use"`
	Awaited       *bool
	NothingToStop *bool `json:"nothing_to_stop"`
}

func (w *world) show(t *testing.T, method, path, body string) (s shown) {
	t.Helper()
	if err := json.Unmarshal([]byte(w.do(t, method, path, body).body), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestProgressIsComputed: the first hundred of each list and the true counts, only in GET /commands/{seq}.
func TestProgressIsComputed(t *testing.T) {
	w := newWorld(t, nil)
	w.do(t, "POST", "/commands", stop)
	if s := w.show(t, "GET", "/commands/2", ""); s.Outstanding != nil || s.Counts["converged"] != 0 ||
		len(s.Counts) != 6 {
		t.Errorf("when a newer command holds for all: %+v", s)
	}
	w.progress = swarm.Progress{Deregistered: []string{"d-2"}}
	if s := w.show(t, "GET", "/commands/2", ""); !slices.Equal(s.Deregistered, []string{"d-2"}) ||
		s.Outstanding != nil {
		t.Errorf("when a newer command holds for all, and one has left: %+v", s)
	}
	w.progress = swarm.Progress{Holds: true, Converged: []string{"d-1"}}
	for i := range 150 {
		w.progress.Outstanding = append(w.progress.Outstanding, fmt.Sprintf("m-%03d", i))
	}
	s := w.show(t, "GET", "/commands/2", "")
	if len(s.Outstanding) != 100 || s.Counts["outstanding"] != 150 || !slices.Equal(s.Converged, []string{"d-1"}) ||
		s.Counts["converged"] != 1 {
		t.Errorf("%d outstanding, %v converged, counts %v", len(s.Outstanding), s.Converged, s.Counts)
	}
	if _, there := w.show(t, "POST", "/commands", stop).Counts["outstanding"]; there {
		t.Error("an answer to POST has it")
	}
}

func TestLeftOutIsShown(t *testing.T) {
	w := newWorld(t, nil)
	w.do(t, "POST", "/commands", stop)
	for i := range 150 {
		w.entries[0].Issued.LeftOut = append(w.entries[0].Issued.LeftOut, swarm.LeftOut{
			DriverID: fmt.Sprintf("m-%03d", i), Reason: swarm.LeftOutStale,
		})
	}
	w.entries[0].Issued.Condition = &swarm.Condition{IfSeq: 0, Base: 0}
	s := w.show(t, "GET", "/commands/2", "")
	if len(s.LeftOut) != 150 || s.Counts["left_out"] != 150 || s.LeftOut[0].Reason != "stale" || s.IfSeq == nil ||
		*s.IfSeq != 0 {
		t.Errorf("whole: %d left out, counts %v, if_seq %v", len(s.LeftOut), s.Counts, s.IfSeq)
	}
	var page struct{ Items []shown }
	if err := json.Unmarshal([]byte(w.do(t, "GET", "/commands", "").body), &page); err != nil ||
		len(page.Items[0].LeftOut) != 100 || page.Items[0].Counts["left_out"] != 150 {
		t.Errorf("as an item: %+v %v", page, err)
	}
}

func TestDryRun(t *testing.T) {
	w := newWorld(t, nil)
	w.preview = func(s swarm.Submission) *swarm.Issued {
		return &swarm.Issued{
			Command: s.Command, Target: s.Target, Targets: []string{"d-1"}, Split: []int64{
				7}, LeftOut: []swarm.LeftOut{{DriverID: "d-2", Reason: swarm.LeftOutDisconnected}},
		}
	}
	a := w.do(t, "POST", "/commands", `{"command":{"type":"set_players","players_total":10},"dry_run":true}`)
	s := w.show(t, "POST", "/commands", `{"command":{"type":"set_players","players_total":10},"dry_run":true}`)
	if a.StatusCode != http.StatusOK || !slices.Equal(s.Targets, []string{"d-1"}) || s.Split[0].Players != 7 ||
		*s.Shortfall != 3 || s.LeftOut[0].DriverID != "d-2" || s.Restrictions == nil {
		t.Errorf("got %d %s", a.StatusCode, a.body)
	}
	w.refuse = &swarm.Error{Code: swarm.CodeNotEnoughDrivers, Detail: "too few",
		Attrs: map[string]any{"have": 1, "want": 2}}
	a = w.do(t, "POST", "/commands", `{"command":{"type":"stop"},"dry_run":true}`)
	if a.StatusCode != http.StatusConflict || w.count() != 0 {
		t.Errorf("got %d, %d entries", a.StatusCode, w.count())
	}
}

// TestAStopWithoutDriversIsExplained: in a refusal, in an entry without targets, and in a dry run.
func TestAStopWithoutDriversIsExplained(t *testing.T) {
	w := newWorld(t, nil)
	w.reach = swarm.Reach{InUse: swarm.InUse{Labels: map[string][]string{"zone": {"us"}}}, Awaited: true}
	w.preview = func(s swarm.Submission) *swarm.Issued { return &swarm.Issued{Command: s.Command, Target: s.Target} }
	w.do(t, "POST", "/commands", stop)
	w.entries[0].Issued.Targets, w.entries[0].Closed = nil, &swarm.Closed{Seq: 2}
	for what, s := range map[string]shown{
		"an entry":  w.show(t, "GET", "/commands/2", ""),
		"a dry run": w.show(t, "POST", "/commands", `{"command":{"type":"stop"},"dry_run":true}`),
	} {
		if s.InUse == nil || s.InUse.Labels["zone"][0] != "us" || s.Awaited == nil || !*s.Awaited {
			t.Errorf("%s: %+v", what, s)
		}
	}
	for _, nothing := range []bool{true, false} {
		w.refuse = &swarm.Error{Code: swarm.CodeNoActiveDrivers, Detail: "nobody",
			Attrs: map[string]any{"in_use": w.reach.InUse, "nothing_to_stop": nothing}}
		if s := w.show(t, "POST", "/commands", stop); s.NothingToStop == nil || *s.NothingToStop != nothing ||
			s.InUse == nil {
			t.Errorf("a refusal: %+v", s)
		}
	}
}

func TestRetryAfterComesFromTheError(t *testing.T) {
	w := newWorld(t, nil)
	for want, attrs := range map[string]map[string]any{"1": nil,
		"5401": {"retry_after": 90*time.Minute + time.Millisecond}} {
		w.refuse = &swarm.Error{Code: swarm.CodeRateLimited, Detail: "later", Attrs: attrs}
		if a := w.do(t, "POST", "/commands", stop); a.Header.Get("Retry-After") != want {
			t.Errorf("Retry-After %q, want %q", a.Header.Get("Retry-After"), want)
		}
	}
}

// TestDesiredIsPaged: the first thousand rules, and a cursor that continues while the state changes.
func TestDesiredIsPaged(t *testing.T) {
	w := newWorld(t, nil)
	for i := range 2500 {
		w.state.Rules = append(w.state.Rules,
			swarm.Rule{Wanted: swarm.Wanted{Seq: uint64(2*i + 1),
				Command: swarm.Command{Type: command.SetPlayers, Value: 1}}})
	}
	var seqs []uint64
	for query, pages := "", 0; ; pages++ {
		var s struct {
			Desired []struct{ Seq uint64 }
			Next    *string `json:"desired_next_cursor"`
		}
		if err := json.Unmarshal([]byte(w.do(t, "GET", "/state"+query, "").body), &s); err != nil || pages > 3 {
			t.Fatalf("page %d: %v", pages, err)
		}
		for _, r := range s.Desired {
			seqs = append(seqs, r.Seq)
		}
		if s.Next == nil {
			break
		}
		query = "?desired_cursor=" + *s.Next
	}
	if len(seqs) != 2500 || !slices.IsSorted(seqs) || len(slices.Compact(seqs)) != 2500 {
		t.Errorf("read %d rules", len(seqs))
	}
	for _, bad := range []string{"x", cursorOf(afterID, "7")} {
		if a := w.do(t, "GET", "/state?desired_cursor="+bad, ""); a.StatusCode != http.StatusBadRequest {
			t.Errorf("cursor %q: %d", bad, a.StatusCode)
		}
	}
}

func TestExpiredIsAnEvent(t *testing.T) {
	e := &swarm.Event{Stored: swarm.Stored{Position: 9,
		Record: &swarm.Expired{Replaced: 5, Target: swarm.Target{DriverIDs: []string{"d-1"}}, Cause: "nobody"}}}
	if got := string(encodeEvent(e)); !strings.HasPrefix(got, "id: 9\nevent: expired\ndata: ") ||
		!strings.Contains(got, `"replaced":5`) || !strings.Contains(got, `"driver_ids":["d-1"]`) {
		t.Errorf("got %s", got)
	}
}
