package main

import (
	"context"
	"encoding/json"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

type whoamiCmd struct {
	connection
	output
}

// Run asks the server whom the token belongs to.
func (c *whoamiCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	a, err := server.Whoami(ctx)
	if err != nil {
		return err
	}
	who := a.Value
	return console.Print(s.out, c.format(), console.Rows{
		Columns: []console.Column{{Name: "NAME"}, {Name: "ROLE"}, {Name: "SCOPE"}, {Name: "EXPIRES"}},
		Cells:   [][]string{{who.Name, who.Role, remote.LabelsText(who.Scope), until(who)}},
		Names:   []string{who.Name}, Items: []json.RawMessage{a.Raw}, Doc: a.Raw,
	})
}

// until shows when a token ends.
func until(who remote.Identity) string {
	if who.ExpiresAt == nil {
		return "never"
	}
	return who.ExpiresAt.Format(time.RFC3339)
}
