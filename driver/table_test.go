package driver

import (
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// TestEveryCommandTypeReachesTheHandler: each type keeps its value.
func TestEveryCommandTypeReachesTheHandler(t *testing.T) {
	for _, r := range command.Table() {
		c := command.Command{Type: r.Type, Note: "why"}
		if r.HasValue() {
			c.Value = 7
		}
		got, rejection := fromWire(9, c.Fields())
		if rejection != nil || got.Command() != c || got.Seq != 9 {
			t.Errorf("%s: the handler gets %+v, %v", c, got, rejection)
		}
	}
}
