package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/show"
)

type stateCmd struct {
	connection
	output
}

// Run prints GET /state, whatever the server puts into it.
func (c *stateCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	a, err := server.State(ctx)
	if err != nil {
		return err
	}
	rows, err := stateRows(a.Raw)
	if err != nil {
		return err
	}
	return show.Print(s.out, c.format(), rows)
}

// stateRows has a line per field of the document, nested ones by their path.
func stateRows(doc json.RawMessage) (show.Rows, error) {
	r := show.Rows{Columns: []show.Column{{Name: "FIELD"}, {Name: "VALUE"}}, Doc: doc, Items: []json.RawMessage{doc}}
	var value any
	if err := json.Unmarshal(doc, &value); err != nil {
		return r, err
	}
	flatten("", value, func(path, text string) {
		r.Cells, r.Names = append(r.Cells, []string{path, text}), append(r.Names, path)
	})
	return r, nil
}

func flatten(path string, value any, add func(path, text string)) {
	switch v := value.(type) {
	case map[string]any:
		var names []string
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			inner := name
			if path != "" {
				inner = path + "." + name
			}
			flatten(inner, v[name], add)
		}
	case []any:
		for i, item := range v {
			flatten(fmt.Sprintf("%s[%d]", path, i), item, add)
		}
	case float64:
		add(path, fmt.Sprintf("%v", json.Number(fmt.Sprintf("%.0f", v))))
	case nil:
		add(path, "-")
	default:
		add(path, fmt.Sprint(v))
	}
}
