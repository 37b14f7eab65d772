package compat

import (
	"context"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver"
)

const subprotocol = "swarmcall.v1.json"

// dial opens a driver's WebSocket, as a driver without our SDK does.
func dial(t *testing.T, url string) *websocket.Conn {
	t.Helper()
	offer := &websocket.DialOptions{HTTPClient: plain, Subprotocols: []string{subprotocol}}
	ws, _, err := websocket.Dial(t.Context(), url+"/drivers/connect", offer) //nolint:bodyclose // a socket
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// TestANewDriverOnAnOldServer: the SDK of this tree registers, is commanded and deregisters.
func TestANewDriverOnAnOldServer(t *testing.T) {
	s := oldRelease(t).serve(t, t.TempDir())
	ctx, leave := context.WithCancel(context.Background())
	client := &http.Client{Transport: &http.Transport{}}
	left, applied := make(chan error, 1), make(chan driver.Command, 10)
	go func() {
		left <- driver.Run(ctx, driver.Config{URL: s.url, DriverID: "new", HTTPClient: client}, driver.HandlerFunc(
			func(_ context.Context, c driver.Command) error { applied <- c; return nil }))
	}()
	defer client.CloseIdleConnections()
	if !within(func() bool { return active(s.url) == 1 }) {
		t.Fatal("it does not register")
	}
	for _, body := range []string{
		`{"command": {"type": "set_players", "players": 7}, "deadline_ms": 20000}`,
		`{"command": {"type": "stop"}, "deadline_ms": 20000}`,
	} {
		if e, _ := post(t, s.url, body); e.Status != "complete" || e.Counts.Acked != 1 {
			t.Errorf("%s: %+v", body, e)
		}
	}
	if c := <-applied; c.Type != driver.SetPlayers || c.Players != 7 {
		t.Errorf("it applied %+v", c)
	}
	leave()
	if err := <-left; err != nil {
		t.Errorf("it left with %v", err)
	}
}
