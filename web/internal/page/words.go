// Package page is the HTML of the dashboard. It shows the models of package view, and decides nothing.
package page

import (
	"bytes"
	"cmp"
	"context"
	"strings"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// sheets are the style sheets, in the order they apply.
var sheets = []string{"base.css", "layout.css", "parts.css", "strip.css", "table.css", "forms.css", "charts.css"}

type shortcut struct {
	keys []string
	what string
}

// shortcuts lists the keys of js/keys.js, and one for each tab.
func shortcuts(tabs []Tab) []shortcut {
	out := []shortcut{
		{[]string{"?"}, "this help"},
		{[]string{"s"}, "stop dialog; Enter stops, Esc closes it"},
		{[]string{"p"}, "pause or resume live updates"},
		{[]string{"j", "k"}, "next or previous row"},
		{[]string{"Enter"}, "open the row"},
		{[]string{"/"}, "filter"},
		{[]string{"Esc"}, "leave a field, so that shortcut keys work again"},
	}
	for _, t := range tabs {
		out = append(out, shortcut{[]string{"g", t.Key}, t.Title})
	}
	return append(out, shortcut{[]string{"t"}, "theme"})
}

// glossary explains the terms of the pages.
var glossary = []struct{ name, means string }{
	{"acked", "the driver accepted the new target; it may need a ramp to reach it"},
	{"missing", "no ack before the deadline, with the reason; a result, never an error"},
	{"left out",
		"the command matched the driver, but the driver was stale or disconnected. It receives the command when it " +
			"is back, but has no share of a total"},
	{"superseded", "a newer command replaced this one before it was sent"},
	{"outstanding", "the driver has not applied the command, and no newer command has replaced it"},
	{"on target", "the driver has applied its command and reports the target"},
	{"stale", "heartbeats are late; the load of the driver is unknown, and its players are not counted"},
	{"lost", "the session ended and the driver did not deregister; its load is unknown until it reconnects"},
	{"outside the split", "the driver connected after a total was split. It runs 0 players until the total is split " +
		"again: by a new command, or by the server, as the line Totals says"},
	{"expired", "no known driver matched a load command for a long time. A Stop replaced it, " +
		"so that a driver that connects later does not start old load"},
}

func barLabel(b view.Bar) string {
	if words := b.Words(); words != "" {
		return words
	}
	return "no verdict yet"
}

// actID is the id of the form of a command with a value: fields outside the form name it.
func actID(v view.ActValue) string { return "act-" + string(v.Type) }

// noLoad says why the visitor may not use the forms of a page that change the load; it is "" if they may.
func noLoad(r view.Rights, f view.ActForm) string { return cmp.Or(r.NoLoad(), outside(r, f)) }

// noStop is the same for Stop.
func noStop(r view.Rights, f view.ActForm) string { return cmp.Or(r.NoStop(), outside(r, f)) }

func outside(r view.Rights, f view.ActForm) string {
	if f.Driver == "" {
		return ""
	}
	return r.Outside(f.Labels)
}

func scopeWords(r view.Rights) string { return strings.Join(r.Scope(), ", ") }

// noAgain says why the visitor may not send a form that is shown again.
func noAgain(f view.FormAgain, r view.Rights) string {
	switch {
	case f.Retry != "":
		return "" // the page does not know what that command is; the server decides
	case f.Type == string(command.Stop):
		return r.NoStop()
	}
	return r.NoLoad()
}

func otherTheme(theme string) string {
	if theme == "dark" {
		return "light"
	}
	return "dark"
}

// Part is an element that is replaced as a whole when it changes: the root of Body has the ID.
type Part struct {
	ID   string
	Body templ.Component
}

// List is an element whose children are added, removed and moved; each child is a Part.
type List struct {
	ID   string
	Rows []Part
}

// Live has the parts of a page that update while it is shown.
type Live struct {
	Parts []Part
	Lists []List
}

// HTML renders a part.
func (p Part) HTML(ctx context.Context) ([]byte, error) {
	var b bytes.Buffer
	err := p.Body.Render(ctx, &b)
	return bytes.TrimSpace(b.Bytes()), err
}

// rows makes the rows of a list.
func rows[T any](all []T, id func(T) string, body func(T) templ.Component) []Part {
	out := make([]Part, 0, len(all))
	for _, row := range all {
		out = append(out, Part{id(row), body(row)})
	}
	return out
}

// LiveStop has the live part of the Stop dialog of visitors with a scope.
func LiveStop(s view.ScopeStop) Live {
	return Live{Parts: []Part{{"stop-scope", stopScope("stop-scope", s)}}}
}

// LiveStrip has the live parts of every page.
func LiveStrip(s view.Strip) Live {
	return Live{
		Parts: []Part{{"strip", Strip(s)}, {"stop-what", stopWhat("stop-what", s)}, {"trouble", Trouble(s.Trouble)}},
	}
}
