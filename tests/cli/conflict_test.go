package cli

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// TestTwoProcessesWithOneID: the roster shows one healthy driver, and the command line warns.
func TestTwoProcessesWithOneID(t *testing.T) {
	s, _ := newWorld(t)
	var conns []*websocket.Conn
	for i := range 4 {
		options := &websocket.DialOptions{Subprotocols: []string{"swarmcall.v1.json"}}
		address := s.url() + "/drivers/connect"
		conn, _, err := websocket.Dial(t.Context(), address, options) //nolint:bodyclose // Dial's doc
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.CloseNow() })
		conns = append(conns, conn)
		if err := conn.Write(t.Context(), websocket.MessageText, fmt.Appendf(nil,
			`{"type":"register","driver_id":"d-1","instance":"%d"}`, i%2)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.Read(t.Context()); err != nil { // registered
			t.Fatal(err)
		}
	}
	p := swarmcall(t, s.url(), "drivers", "list")
	p.code(0)
	p.says("d-1: several processes use this driver id")
	p = swarmcall(t, s.url(), "drivers", "show", "d-1")
	p.code(0)
	p.prints("3 takeovers")
	p = swarmcall(t, s.url(), "drivers", "show", "d-1", "-o", "json")
	p.code(0)
	if out := strings.Join(strings.Fields(p.Out.String()), ""); !strings.Contains(out,
		`"conflict":{"remote_addrs":["127.0.0.1:`) || !strings.Contains(out, `"takeovers":3}`) {
		t.Error(out)
	}
	for _, conn := range conns {
		_ = conn.CloseNow()
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.Err.String(), "level=WARN msg=\"several processes use one driver id"); n != 1 {
		t.Errorf("%d warnings:\n%s", n, s.Err)
	}
}
