package program

import (
	"encoding/json"
	"testing"

	"github.com/swarmcall/swarmcall/driver"
)

// TestOrder: a command in no trace has the line that it always had.
func TestOrder(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	for traceparent, want := range map[string]string{
		"":     `{"id":3,"type":"set_players","players":7,"deadline_ms":1750}`,
		parent: `{"id":3,"type":"set_players","players":7,"deadline_ms":1750,"traceparent":"` + parent + `"}`,
	} {
		c := driver.Command{Type: driver.SetPlayers, Players: 7, Traceparent: traceparent}
		if got, err := json.Marshal(orderOf(3, c, 1750)); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}
