package main

import (
	"context"
	"encoding/json"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type configCmd struct {
	View configViewCmd `cmd:"" default:"withargs" help:"Show the settings in force."`
}

type configViewCmd struct {
	Origin bool `help:"Show the source of each setting."`
	connection
	output
}

// Run prints the settings. It never prints the token or a password in the address.
func (c *configViewCmd) Run(_ context.Context, s streams) error {
	found, err := c.settings("")
	if err != nil {
		return err
	}
	found.URL.Value = remote.Mask(found.URL.Value)
	for _, v := range []*settings.Value{&found.TokenFile, &found.CAFile, &found.Submitter, &found.Context} {
		v.Value = swarm.MaskSecrets(v.Value) // the token itself, by mistake
	}
	r := console.Rows{Columns: []console.Column{{Name: "SETTING"}, {Name: "VALUE"}}, Doc: mustJSON(found)}
	if c.Origin {
		r.Columns = append(r.Columns, console.Column{Name: "ORIGIN"})
	} else {
		r.Doc = mustJSON(map[string]string{
			"url": found.URL.Value, "token_file": found.TokenFile.Value, "ca_file": found.CAFile.Value,
			"submitter": found.Submitter.Value, "context": found.Context.Value,
		})
	}
	for _, v := range []struct {
		name string
		settings.Value
	}{{"url", found.URL}, {"token_file", found.TokenFile}, {"ca_file", found.CAFile}, {"submitter", found.Submitter},
		{"context", found.Context}} {
		row := []string{v.name, v.Value.Value}
		if c.Origin {
			row = append(row, v.Origin)
		}
		r.Cells, r.Names, r.Items = append(r.Cells, row), append(r.Names, v.name), append(r.Items,
			mustJSON(map[string]settings.Value{
				v.name: v.Value,
			}))
	}
	return console.Print(s.out, c.format(), r)
}

// mustJSON encodes values that cannot fail to encode: our own strings and numbers.
func mustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
