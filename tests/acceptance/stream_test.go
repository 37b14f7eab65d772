package acceptance

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// event is one Server-Sent Event.
type event struct{ id, name, data string }

// events reads a stream until n events have come, and then cuts it. lastID continues where an earlier stream was cut.
func (s *server) events(t *testing.T, path, lastID string, n int) []event {
	t.Helper()
	ctx, cut := context.WithTimeout(t.Context(), time.Minute)
	defer cut()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("content type %q, status %d", got, resp.StatusCode)
	}
	var out []event
	var e event
	lines := bufio.NewScanner(resp.Body)
	for len(out) < n && lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.data != "" {
				out = append(out, e)
			}
			e = event{}
		}
	}
	if len(out) < n {
		t.Fatalf("%d of %d events came: %v", len(out), n, lines.Err())
	}
	return out
}

func (s *server) post(t *testing.T, submitter, key string, players int64) (entry, http.Header) {
	t.Helper()
	body := fmt.Sprintf(`{"submitter":%q,"command":{"type":"set_players","players":%d}}`, submitter, players)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/commands", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var e entry
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		t.Fatal(err)
	}
	return e, resp.Header
}

func TestAStreamThatIsCutAgainAndAgainIsTheLog(t *testing.T) {
	s := startServer(t, nil)
	s.connect(t, "d-1")
	for n := range int64(20) {
		s.post(t, []string{"ci", "ops"}[n%2], "", n)
	}
	whole := s.events(t, "/commands/stream?after=0", "", 41) // a reset, 20 commands, 20 outcomes
	var cut []event
	last := ""
	for n := 1; len(cut) < len(whole); n++ {
		part := s.events(t, "/commands/stream?after=0", last, min(n, len(whole)-len(cut)))
		cut = append(cut, part...)
		last = part[len(part)-1].id
	}
	for i := range whole {
		if cut[i] != whole[i] || whole[i].id != fmt.Sprint(i+1) {
			t.Errorf("event %d is %v, in one go %v", i, cut[i], whole[i])
		}
	}
	if whole[0].name != "reset" || whole[1].name != "issued" || whole[2].name != "closed" {
		t.Errorf("the stream begins with %v", whole[:3])
	}
	mine := s.events(t, "/commands/stream?after=0&submitter=ops", "", 21)
	for _, e := range mine[1:] {
		if !strings.Contains(e.data, `"submitter":"ops"`) {
			t.Errorf("the filter let %v through", e)
		}
	}
}

func TestAStreamWithoutACursorStartsNow(t *testing.T) {
	s := startServer(t, nil)
	s.connect(t, "d-1")
	before, _ := s.post(t, "ci", "", 1)
	got := make(chan []event)
	go func() { got <- s.events(t, "/commands/stream", "", 2) }()
	for n := int64(2); ; n++ { // until the stream is open
		s.post(t, "ci", "", n)
		select {
		case events := <-got:
			var first struct{ Seq uint64 }
			if err := json.Unmarshal([]byte(events[0].data), &first); err != nil || first.Seq <= before.Seq {
				t.Errorf("the stream began with %v", events[0])
			}
			return
		default:
		}
	}
}

func TestACursorThatIsNotOfThisLogIsAGap(t *testing.T) {
	s := startServer(t, nil)
	s.connect(t, "d-1")
	gap := s.events(t, "/commands/stream?after=0", "1000000", 1)[0]
	if gap.name != "gap" || gap.id != "1" {
		t.Errorf("got %v, want a gap up to position 1", gap)
	}
	resp, err := s.client.Get(s.url + "/commands/stream?after=newest")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a word as a cursor: %d", resp.StatusCode)
	}
}

func TestExportIsEveryRecord(t *testing.T) {
	s := startServer(t, nil)
	s.connect(t, "d-1")
	for n := range int64(3) {
		s.post(t, []string{"ci", "ops"}[n%2], "", n)
	}
	for query, want := range map[string]string{
		"":                  "reset issued closed issued closed issued closed ",
		"?submitter=ops":    "issued closed ",
		"?after=3&before=6": "issued closed ",
		"?after=7":          "",
		"?after=99":         "",
		"?submitter=nobody": "",
	} {
		resp, err := s.client.Get(s.url + "/commands/export" + query)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for d := json.NewDecoder(resp.Body); d.More(); {
			var line struct {
				ID    uint64
				Event string
				Acked []struct {
					LatencyMS float64 `json:"latency_ms"`
				}
			}
			if err := d.Decode(&line); err != nil {
				t.Fatal(err)
			}
			got += line.Event + " "
			if line.Event == "closed" && len(line.Acked) != 1 {
				t.Errorf("outcome at %d has %d acks", line.ID, len(line.Acked))
			}
		}
		_ = resp.Body.Close()
		if got != want {
			t.Errorf("export%s: %q, want %q", query, got, want)
		}
	}
}

func TestIdempotencyKeyOverHTTP(t *testing.T) {
	dir := t.TempDir()
	first := play(t, dir, func(t *testing.T, s *server) entry {
		s.connect(t, "d-1")
		e, h := s.post(t, "ci", "key-1", 7)
		if h.Get("Idempotent-Replayed") != "" || e.Counts.Acked != 1 {
			t.Errorf("first: %+v %v", e, h)
		}
		return e
	})
	play(t, dir, func(t *testing.T, s *server) entry { // a new process, without any driver
		again, h := s.post(t, "ci", "key-1", 7)
		if h.Get("Idempotent-Replayed") != "true" || again.Seq != first.Seq || again.DurationMS != first.DurationMS ||
			len(again.Acked) != 1 {
			t.Errorf("retry after a restart: %+v, want %+v", again, first)
		}
		if other, _ := s.post(t, "ci", "key-1", 8); other.Code != string(swarm.CodeIdempotencyKeyReused) {
			t.Errorf("another request: %+v", other)
		}
		if bad, _ := s.post(t, "ci", "two words", 8); bad.Code != string(swarm.CodeBadRequest) {
			t.Errorf("a malformed key: %+v", bad)
		}
		return again
	})
}
