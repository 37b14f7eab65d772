package driver_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// demoServer sends the commands of the example to each client that connects, over a real socket.
func demoServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
		if err != nil {
			return
		}
		defer func() { _ = conn.CloseNow() }()
		for _, frame := range []string{
			`{"type":"registered","session":"s-1","log_id":"demo.1","heartbeat_interval_ms":1000,` +
				`"lease_ttl_ms":60000,"on_lease_lost":"stop",` +
				`"desired":[{"seq":6,"command":{"type":"set_players","players":100}}]}`,
			`{"type":"command","seq":7,"command":{"type":"set_spawn_delay_ms","spawn_delay_ms":20},"deadline_ms":2000}`,
			`{"type":"command","seq":8,"command":{"type":"stop"},"deadline_ms":2000}`,
		} {
			if err := conn.Write(r.Context(), websocket.MessageText, []byte(frame)); err != nil {
				fmt.Println(err)
			}
		}
		for err == nil { // until the driver leaves
			_, _, err = conn.Read(r.Context())
		}
	}))
}
