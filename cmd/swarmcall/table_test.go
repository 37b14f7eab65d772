package main

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// TestEveryCommandTypeHasAVerb: the command line accepts the words that send a command again, as the dashboard shows
// them.
func TestEveryCommandTypeHasAVerb(t *testing.T) {
	for _, r := range command.Table() {
		for _, total := range []bool{false, true} {
			c := command.Command{Type: r.Type, Total: total}
			if total && r.Total == "" {
				continue
			}
			if r.HasValue() {
				c.Value = 7
			}
			if _, err := parse(c.Words(), nil); err != nil {
				t.Errorf("swarmcall %s: %v", strings.Join(c.Words(), " "), err)
			}
			if _, err := parse([]string{"commands", "list", "--type", string(r.Type)}, nil); err != nil {
				t.Errorf("commands list --type %s: %v", r.Type, err)
			}
		}
	}
}
