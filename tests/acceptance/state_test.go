package acceptance

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
)

// stateAnswer is the answer of GET /state.
type stateAnswer struct {
	Counts struct{ Converged, Drifting, Unknown int }
	Stop   *struct{ Seq, Targets, Stopped int }
}

// untilState repeats GET /state until ok accepts the state.
func (s *server) untilState(t *testing.T, what string, ok func(stateAnswer) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		var state stateAnswer
		if err := s.do(ctx, http.MethodGet, "/state", nil, &state); err != nil {
			t.Fatalf("%s: %v, last %+v", what, err, state)
		}
		if ok(state) {
			return
		}
	}
}

func TestStopIsProvedByWhatDriversReport(t *testing.T) {
	s := startServer(t, nil)
	for _, id := range []string{"d-1", "d-2"} {
		s.connect(t, id)
	}
	s.post(t, "ci", "", 30)
	s.untilState(t, "both drivers run 30 players",
		func(a stateAnswer) bool { return a.Counts.Converged == 2 && a.Stop == nil })
	r := s.Submit(t.Context(), swarm.Submission{Submitter: "ops", Command: swarm.Command{Type: command.Stop},
		Deadline: 10 * time.Second})
	if r.Counts.Acked != 2 {
		t.Fatalf("stop: %+v", r)
	}
	s.untilState(t, "the Stop is proved", func(a stateAnswer) bool {
		return a.Stop != nil && a.Stop.Seq == int(r.Seq) && a.Stop.Targets == 2 && a.Stop.Stopped == 2
	})
}

// TestADriverAheadOfTheLog: a single claim may be false, and the driver has to back off. After a second claim the log
// has lost entries: it gets a new name, and old load does not continue.
func TestADriverAheadOfTheLog(t *testing.T) {
	s := startServer(t, nil)
	first := bare.Dial(t, s.url, nil)
	first.Send(`{"type":"register","driver_id":"d-1"}`)
	logID := first.Next()["log_id"].(string)
	s.post(t, "ci", "", 30)
	register := `{"type":"register","driver_id":%q,"log_id":%q,"applied_seq":1000000,"state":{"players":30,"spawn_delay_ms":0,"running":true}}`
	for range 2 {
		forger := bare.Dial(t, s.url, nil)
		forger.Send(fmt.Sprintf(register, "d-2", logID))
		if told := forger.Next(); told["type"] != "error" {
			t.Errorf("told %v, want the reason", told)
		}
		if _, _, err := forger.Conn.Read(t.Context()); websocket.CloseStatus(err) != 1013 {
			t.Fatalf("the first driver that says so: %v, want close 1013", err)
		}
	}
	second := bare.Dial(t, s.url, nil)
	second.Send(fmt.Sprintf(register, "d-3", logID))
	told := second.Next()
	if told["log_id"] == logID {
		t.Errorf("the log is still called %s", logID)
	}
	desired, _ := told["desired"].([]any)
	if len(desired) != 1 || desired[0].(map[string]any)["command"].(map[string]any)["type"] != "stop" {
		t.Errorf("the driver is told %v, want to stop", told["desired"])
	}
	if reset := s.events(t, "/commands/stream?after=0", "", 4)[3]; reset.name != "reset" {
		t.Errorf("the log says %v last, want a reset", reset)
	}
}
