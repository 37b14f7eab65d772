// Package page is the HTML of the dashboard. It shows what package view says, and decides nothing.
package page

import (
	"bytes"
	"context"

	"github.com/a-h/templ"

	"github.com/swarmcall/swarmcall/web/internal/view"
)

// sheets are the style sheets, in the order they apply.
var sheets = []string{"base.css", "layout.css", "parts.css", "strip.css", "table.css", "forms.css", "charts.css"}

type shortcut struct {
	keys []string
	what string
}

// shortcuts are what js/keys.js does, and a way to each tab.
func shortcuts(tabs []Tab) []shortcut {
	out := []shortcut{
		{[]string{"?"}, "this help"},
		{[]string{"s"}, "stop dialog; Enter stops, Esc leaves"},
		{[]string{"p"}, "pause or resume live updates"},
		{[]string{"j", "k"}, "next or previous row"},
		{[]string{"Enter"}, "open the row"},
		{[]string{"/"}, "filter"},
		{[]string{"Esc"}, "leave a field, so that keys are shortcuts again"},
	}
	for _, t := range tabs {
		out = append(out, shortcut{[]string{"g", t.Key}, t.Title})
	}
	return append(out, shortcut{[]string{"t"}, "theme"})
}

// glossary says what the words of the pages mean.
var glossary = []struct{ name, means string }{
	{"acked", "the driver accepted the new target; reaching it may take a ramp"},
	{"missing", "no ack in time, with the reason; a result, never an error"},
	{"left out",
		"the command was meant for the driver, which was stale or disconnected: it receives it when it is back, " +
			"but has no part of a total"},
	{"superseded", "a newer command took its place before it was sent"},
	{"outstanding", "has not applied the command, and no newer one holds for it"},
	{"on target", "reports what is asked of it, since it applied the command"},
	{"stale", "heartbeats are late; what it does is unknown, and its players are not counted"},
	{"lost", "the session ended without deregistering; what it does is unknown until it is back"},
	{"outside the split", "came after a total was split, and runs 0 players until the total is split again: " +
		"when it is set again, or by the server, as the line Totals says"},
	{"expired", "no known driver matched a load command for long; a Stop took its place, " +
		"so that a driver that comes later does not start old load"},
}

func barLabel(b view.Bar) string {
	if words := b.Words(); words != "" {
		return words
	}
	return "no verdict yet"
}

func otherTheme(theme string) string {
	if theme == "dark" {
		return "light"
	}
	return "dark"
}

// Part is an element that is replaced as a whole when it changes: the root of Body carries ID.
type Part struct {
	ID   string
	Body templ.Component
}

// List is an element whose children come, go and move, each a Part.
type List struct {
	ID   string
	Rows []Part
}

// Live is what changes on a page while it is looked at.
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

// LiveStrip are the parts that every page has.
func LiveStrip(s view.Strip) Live {
	return Live{
		Parts: []Part{{"strip", Strip(s)}, {"stop-what", stopWhat("stop-what", s)}, {"trouble", Trouble(s.Trouble)}},
	}
}
