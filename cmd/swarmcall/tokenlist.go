package main

import (
	"context"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

type tokenListCmd struct {
	authFile
	output
}

// tokenItem is a token as JSON, with the field names of the file. It has fingerprints instead of hashes.
type tokenItem struct {
	Name         string            `json:"name"`
	Role         string            `json:"role"`
	Scope        map[string]string `json:"scope"`
	DriverIDs    []string          `json:"driver_ids"`
	Labels       map[string]string `json:"labels"`
	Expires      *time.Time        `json:"expires"`
	Expired      bool              `json:"expired"`
	Fingerprints []string          `json:"fingerprints"`
}

// Run prints the tokens in the order of the file.
func (c *tokenListCmd) Run(_ context.Context, s streams) error {
	f, err := c.read()
	if err != nil {
		return err
	}
	r := console.Rows{
		Columns: []console.Column{{Name: "NAME"}, {Name: "ROLE"}, {Name: "SCOPE"}, {Name: "DRIVER IDS"},
			{Name: "LABELS"}, {Name: "EXPIRES"}, {Name: "FINGERPRINTS"}},
	}
	now := time.Now()
	for _, t := range f.Tokens {
		r.Cells = append(r.Cells, []string{
			t.Name, string(t.Role), remote.LabelsText(t.Scope), strings.Join(t.DriverIDs, ","),
			remote.LabelsText(t.Labels), expires(t, now), strings.Join(fingerprints(t), ","),
		})
		r.Names = append(r.Names, t.Name)
		r.Items = append(r.Items, mustJSON(itemOf(t, now)))
	}
	return console.Print(s.out, c.format(), r)
}

func itemOf(t authfile.Token, now time.Time) tokenItem {
	item := tokenItem{
		Name: t.Name, Role: string(t.Role), Scope: t.Scope, DriverIDs: t.DriverIDs, Labels: t.Labels,
		Fingerprints: fingerprints(t),
	}
	if !t.Expires.IsZero() {
		item.Expires, item.Expired = &t.Expires, !t.Expires.After(now)
	}
	return item
}

// expires shows when a token ends.
func expires(t authfile.Token, now time.Time) string {
	switch {
	case t.Expires.IsZero():
		return "never"
	case !t.Expires.After(now):
		return t.Expires.Format(time.RFC3339) + " (expired)"
	}
	return t.Expires.Format(time.RFC3339)
}
