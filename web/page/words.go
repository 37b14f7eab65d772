// Package page is the HTML of the dashboard. It shows what package view says, and decides nothing.
package page

import "github.com/swarmcall/swarmcall/web/view"

func barLabel(b view.Bar) string {
	if words := b.Words(); words != "" {
		return words
	}
	return "no verdict yet"
}

// sheets are the style sheets, in the order they apply.
var sheets = []string{"base.css", "layout.css", "parts.css", "table.css"}
