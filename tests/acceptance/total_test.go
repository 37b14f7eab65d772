package acceptance

import (
	"bytes"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// totalEntry has the fields of an entry that concern a split.
type totalEntry struct {
	Seq   int
	Cause string
	Split []struct {
		DriverID string `json:"driver_id"`
		Players  int64
	}
	Shortfall *int64
	Counts    swarm.Counts
	Command   map[string]any
}

func (e totalEntry) parts() map[string]int64 {
	parts := map[string]int64{}
	for _, p := range e.Split {
		parts[p.DriverID] = p.Players
	}
	return parts
}

func (s *server) postTotal(t *testing.T, body string) (e totalEntry) {
	t.Helper()
	if err := s.do(t.Context(), http.MethodPost, "/commands", []byte(body), &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestATotalIsConserved: a total is split over the drivers, split again when one has left, and never after a Stop.
func TestATotalIsConserved(t *testing.T) {
	// On a busy machine a driver may be silent for a second.
	s := startServer(t, func(c *app.Config) { c.LeaseTTL = 5 * time.Second })
	for _, id := range []string{"d-1", "d-2"} {
		s.connect(t, id)
	}
	leaver := s.connect(t, "d-3")
	first := s.postTotal(t,
		`{"submitter":"ci","command":{"type":"set_players","players_total":100},"deadline_ms":10000}`)
	if got := first.parts(); got["d-1"] != 34 || got["d-2"] != 33 || got["d-3"] != 33 || first.Counts.Acked != 3 ||
		first.Command["players_total"] != 100.0 || *first.Shortfall != 0 {
		t.Fatalf("split %+v", first)
	}
	leaver.Leave(t)
	again := s.untilCause(t, uint64(first.Seq))
	if got := again.parts(); got["d-1"] != 50 || got["d-2"] != 50 || len(got) != 2 {
		t.Errorf("split again %+v", again)
	}
	s.connect(t, "d-4").wants(t, 0)
	stop := s.Submit(t.Context(), swarm.Submission{Submitter: "ops", Command: swarm.Command{Type: command.Stop},
		Deadline: 10 * time.Second})
	if stop.Counts.Acked != 3 {
		t.Errorf("stop: %+v", stop)
	}
	both := s.postTotal(t, `{"command":{"type":"set_players","players_total":1,"players":1}}`)
	if both.Seq != 0 {
		t.Errorf("players and players_total together: %+v", both)
	}
}

// untilCause waits for the entry that the server itself issues after seq.
func (s *server) untilCause(t *testing.T, seq uint64) totalEntry {
	t.Helper()
	for _, e := range s.events(t, "/commands/stream?after=0", "", int(seq)+3) {
		var entry totalEntry
		if err := json.NewDecoder(bytes.NewReader([]byte(e.data))).Decode(&entry); err == nil && e.name == "issued" &&
			entry.Cause != "" {
			return entry
		}
	}
	t.Fatal("the total was not split again")
	return totalEntry{}
}

// wants checks the first command that a driver received.
func (d *sdkDriver) wants(t *testing.T, players int64) {
	t.Helper()
	d.server.untilState(t, "the newcomer is told", func(stateAnswer) bool { return len(d.Applied()) > 0 })
	if got := d.Applied()[0].Command; got.Type != command.SetPlayers || got.Value != players {
		t.Errorf("%s was told %+v, want %d players", d.id, got, players)
	}
}
