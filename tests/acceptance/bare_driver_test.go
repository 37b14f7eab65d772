package acceptance

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
)

// TestBareDriver speaks the protocol by hand, as an author without the SDK would: any WebSocket client will do.
func TestBareDriver(t *testing.T) {
	s := startServer(t, nil)
	ws := bare.Dial(t, s.url, nil)
	ws.Send(`{"type":"register","driver_id":"bare-1","labels":{"region":"eu"},"state":{"players":0,"spawn_delay_ms":0,"running":false}}`)
	registered := ws.Next()
	if registered["type"] != "registered" || registered["session"] == "" || registered["log_id"] == "" ||
		registered["heartbeat_interval_ms"] != 50.0 || registered["on_lease_lost"] != "stop" {
		t.Fatalf("got %v, want registered with all its members", registered)
	}
	ws.Send(`{"type":"heartbeat","applied_seq":0,"state":{"players":0,"spawn_delay_ms":0,"running":false},"metrics":{"rps":412.5}}`)
	answer := make(chan swarm.Counts, 1)
	go func() {
		answer <- s.Submit(t.Context(), swarm.Submission{
			Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers, Value: 7}, Deadline: 10 * time.Second,
		}).Counts
	}()
	cmd := ws.Next()
	if cmd["type"] != "command" || cmd["deadline_ms"] != 10000.0 || cmd["command"].(map[string]any)["players"] != 7.0 {
		t.Fatalf("got %v, want the command", cmd)
	}
	ack, err := json.Marshal(map[string]any{
		"status": "applied", "seq": cmd["seq"], "type": "command_ack", "mood": "unknown fields are ignored",
	})
	if err != nil {
		t.Fatal(err)
	}
	ws.Send(string(ack))
	if got := <-answer; got.Acked != 1 {
		t.Errorf("got %+v, want one ack", got)
	}
	ws.Send(`{"type":"deregister","reason":"done"}`)
	if _, _, err := ws.Conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Errorf("after deregister: %v, want close 1000", err)
	}
	s.until(t, "bare-1", "")
}

func TestHandshakeWithoutTheSubprotocol(t *testing.T) {
	s := startServer(t, nil)
	resp, err := s.client.Get(s.url + "/drivers/connect")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var p struct {
		Code      string
		Supported []string
	}
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusBadRequest || p.Code != "unsupported_subprotocol" || len(p.Supported) != 1 ||
		p.Supported[0] != "swarmcall.v1.json" {
		t.Errorf("got %d %+v", resp.StatusCode, p)
	}
	ws, resp, err := websocket.Dial(t.Context(), s.url+"/drivers/connect", &websocket.DialOptions{
		HTTPClient: s.client, Subprotocols: []string{"swarmcall.v1.json"}, HTTPHeader: http.Header{
			"Origin": {"http://evil.example"},
		},
	})
	if err == nil {
		_ = ws.CloseNow()
		t.Fatal("a foreign origin was let in")
	}
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("foreign origin: got %d, want 403", resp.StatusCode)
	}
}
