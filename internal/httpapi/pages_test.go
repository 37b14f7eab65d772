package httpapi

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

var nextForm = regexp.MustCompile(`^<(/[^>]*)>; rel="next"$`)

// follow reads a list from path to its end using only the Link header, and returns the values of one field of the
// items. between runs after each page.
func (w *world) follow(t *testing.T, path, member string, between func()) (seen []any) {
	t.Helper()
	for path != "" {
		a := w.do(t, "GET", path, "")
		if a.StatusCode != http.StatusOK {
			t.Fatalf("GET %s: %d %s", path, a.StatusCode, a.body)
		}
		for _, item := range a.Items {
			seen = append(seen, item[member])
		}
		link := a.Header.Get("Link")
		if (link == "") != (a.Next == nil) {
			t.Fatalf("GET %s: Link %q, next_cursor %v", path, link, a.Next)
		}
		path = ""
		if link != "" {
			m := nextForm.FindStringSubmatch(link)
			if m == nil || !strings.Contains(m[1], "cursor="+*a.Next) {
				t.Fatalf("Link is %q, the cursor %q", link, *a.Next)
			}
			path = m[1]
		}
		between()
	}
	return seen
}

// TestPagesUnderAppends: newest first, the pages have exactly the entries that existed at the start; oldest first, also
// the newer ones. Neither has an entry twice, or omits one.
func TestPagesUnderAppends(t *testing.T) {
	w := newWorld(t, nil)
	stopped := swarm.Submission{Submitter: "ci/a", Command: swarm.Command{Type: command.Stop}, Deadline: time.Second}
	submit := func(n int) {
		for range n {
			if _, _, err := w.Submit(t.Context(), stopped); err != nil {
				t.Error(err)
			}
		}
	}
	submit(100)
	var others sync.WaitGroup
	others.Go(func() { submit(400) })
	newest := w.follow(t, "/commands?limit=7", "seq", func() { submit(1) })
	for i, seq := range newest {
		if want := newest[0].(float64) - 2*float64(i); seq != want {
			t.Fatalf("newest first: place %d is seq %v, want %v", i, seq, want)
		}
	}
	if last := newest[len(newest)-1]; last != 2.0 {
		t.Errorf("newest first: the walk ended at seq %v", last)
	}
	others.Wait()
	others.Go(func() { submit(100) })
	oldest := w.follow(t, "/commands?order=asc&limit=50&submitter=ci/a&type=stop&status=complete",
		"seq", runtime.Gosched)
	others.Wait()
	if n := w.count(); len(oldest) < n-100 || len(oldest) > n {
		t.Errorf("oldest first: %d entries of %d", len(oldest), n)
	}
	for i, seq := range oldest {
		if want := 2 * float64(i+1); seq != want {
			t.Fatalf("oldest first: place %d is seq %v, want %v", i, seq, want)
		}
	}
}

func TestFiltersAndBounds(t *testing.T) {
	w := newWorld(t, nil)
	for _, body := range []string{
		`{"submitter":"a","command":{"type":"stop"}}`, `{"submitter":"b","command":{"type":"set_players","players":1}}`,
		`{"submitter":"a","command":{"type":"set_spawn_delay_ms","spawn_delay_ms":1}}`,
		`{"submitter":"b","command":{"type":"stop"}}`,
	} {
		w.do(t, "POST", "/commands", body)
	}
	for query, want := range map[string]string{
		"":                            "[8 6 4 2]",
		"?submitter=a":                "[6 2]",
		"?submitter=nobody":           "[]",
		"?type=stop":                  "[8 2]",
		"?type=stop&submitter=b":      "[8]",
		"?status=pending":             "[]",
		"?before=6":                   "[4 2]",
		"?after=4":                    "[8 6]",
		"?after=0&order=asc":          "[2 4 6 8]",
		"?after=2&before=8":           "[6 4]",
		"?after=2&before=8&order=asc": "[4 6]",
		"?before=8&limit=1":           "[6 4 2]", // one per page, with the same bound
		"?after=2&limit=1":            "[8 6 4]",
		"?order=asc&limit=1&before=7": "[2 4 6]",
	} {
		if got := fmt.Sprint(w.follow(t, "/commands"+query, "seq", func() {})); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
}

func TestItemsAreShort(t *testing.T) {
	w := newWorld(t, nil)
	seq := w.do(t, "POST", "/commands", stop).Seq
	closed := &swarm.Closed{Seq: seq}
	for i := range 3 * itemVerdicts {
		w.entries[0].Issued.Targets = append(w.entries[0].Issued.Targets[:i], fmt.Sprintf("d-%03d", i))
		closed.Verdicts = append(closed.Verdicts, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline})
		w.entries[0].Late = append(w.entries[0].Late, swarm.LateAck{DriverID: "d-1"})
	}
	w.entries[0].Closed = closed
	item := w.do(t, "GET", "/commands", "").Items[0]
	if got := len(item["missing"].([]any)); got != itemVerdicts || item["counts"].(map[string]any)["missing"] != 300.0 {
		t.Errorf("the item lists %d missing of %v", got, item["counts"])
	}
	if got := len(item["late"].([]any)); got != itemVerdicts || item["acked"] != nil {
		t.Errorf("the item lists %d late, acked %v", got, item["acked"])
	}
	if whole := w.do(t, "GET", "/commands/2", ""); strings.Count(whole.body, `"deadline"`) != 300 {
		t.Error("the complete entry does not have all missing drivers")
	}
}

func TestDriverPages(t *testing.T) {
	w := newWorld(t, nil)
	for query, want := range map[string]string{
		"": "[d-1 d-2 d-3]", "?limit=1": "[d-1 d-2 d-3]", "?limit=2": "[d-1 d-2 d-3]", "?state=stale": "[d-2]",
		"?label=region=eu&limit=1": "[d-1 d-2 d-3]", "?label=region=us": "[]", "?label=region=eu&label=n=2": "[d-3]",
		"?label=n=1&label=n=2": "[]", "?label=region=eu&state=active": "[d-1]", "?label=region=": "[]",
	} {
		if got := fmt.Sprint(w.follow(t, "/drivers"+query, "driver_id", func() {})); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
	if a := w.do(t, "GET", "/drivers?state=stale", ""); a.Counts["active"] != 1 || a.Counts["stale"] != 1 ||
		a.Counts["disconnected"] != 1 {
		t.Errorf("counts of the filtered drivers: %v, want those of all", a.Counts)
	}
	if a := w.do(t, "GET", "/drivers/d%2D1", ""); a.StatusCode != http.StatusOK {
		t.Errorf("an escaped id: %d", a.StatusCode)
	}
	w.do(t, "GET", "/drivers/d-9", "").refused(t, http.StatusNotFound, "not_found")
}

// TestADriverShowsItsShare: the weight and the limit that it registered; by default 1 and no limit.
func TestADriverShowsItsShare(t *testing.T) {
	for want, share := range map[string]swarm.Share{
		`"weight":2.5,"max_players":70}`: {Weight: 2500, Cap: 70}, `"weight":1}`: {Weight: 1000},
	} {
		b, err := json.Marshal(driverTo(swarm.Driver{ID: "d-1", Share: share}))
		if err != nil || !strings.HasSuffix(string(b), want) {
			t.Errorf("%v: no %s in %s, %v", share, want, b, err)
		}
	}
}

// TestForeignCursors: a cursor of another list, of the other order, or an invented one is refused, never used.
func TestForeignCursors(t *testing.T) {
	w := newWorld(t, nil)
	raw := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	for _, c := range []struct{ path, cursor string }{
		{"/commands?", "hello"}, {"/commands?", "!"}, {"/commands?", ""}, {"/commands?", strings.Repeat("a", 513)},
		{"/commands?", cursorOf(newerThan, "2")}, {"/commands?order=asc&", cursorOf(olderThan, "2")},
		{"/commands?", cursorOf(afterID, "2")},
		{"/commands?", cursorOf(olderThan, "")}, {"/commands?", cursorOf(olderThan, "0")},
		{"/commands?", cursorOf(olderThan, "-1")},
		{"/commands?", cursorOf(olderThan, "1e3")}, {"/commands?", cursorOf(olderThan, "9223372036854775808")},
		{"/commands?", cursorOf(olderThan, "2") + "="}, {"/commands?", cursorOf(olderThan, "2") + "%0A"},
		{"/commands?", raw("older")},
		{"/commands?", cursorOf(olderThan, "2")[:10] + "3"},
		{"/drivers?", "hello"}, {"/drivers?", cursorOf(olderThan, "2")}, {"/drivers?", cursorOf(afterID, "")},
	} {
		a := w.do(t, "GET", c.path+"cursor="+c.cursor, "")
		a.refused(t, http.StatusBadRequest, "bad_request")
	}
	if a := w.do(t, "GET", "/commands?cursor="+cursorOf(olderThan, "9223372036854775807"),
		""); a.StatusCode != http.StatusOK {
		t.Errorf("a cursor past the newest entry: %d", a.StatusCode)
	}
}

// TestWrongQueries: a query that the server does not understand must not select everything.
func TestWrongQueries(t *testing.T) {
	w := newWorld(t, nil)
	for _, path := range []string{
		"/commands?limmit=5", "/commands?limit=5;order=asc", "/commands?limit=%zz", "/commands?limit=0",
		"/commands?limit=1001", "/commands?limit=1.5",
		"/commands?limit=five", "/commands?limit=1&limit=2", "/commands?limit=", "/commands?order=up",
		"/commands?status=done", "/commands?type=explode",
		"/commands?before=0", "/commands?before=-1", "/commands?after=-1", "/commands?before=9223372036854775808",
		"/commands?submitter=a%20b",
		"/commands?submitter=a%00", "/commands?submitter=" + strings.Repeat("a", 129), "/commands/newest",
		"/commands/0", "/commands/-1", "/commands/1.0",
		"/commands/9223372036854775808", "/commands/2?wait_ms=60001", "/commands/2?wait_ms=-1", "/commands/2?limit=1",
		"/drivers?state=gone",
		"/drivers?label=region", "/drivers?label==eu", "/drivers?limit=0", "/livez?x=1", "/version?verbose",
	} {
		a := w.do(t, "GET", path, "")
		a.refused(t, http.StatusBadRequest, "bad_request")
	}
	w.do(t, "GET", "/commands/9223372036854775807", "").refused(t, http.StatusNotFound, "not_found")
}
