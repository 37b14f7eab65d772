package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// helpText explains the keys and what is shown.
const helpText = `swarmcall watch

  s        stop the load, after a question
  p Space  pause: what is shown stays as it is
  /        filter rows by a text; Enter keeps the filter, Esc clears it
  ?        this help
  q Esc    leave; the load stays as it is

Drivers: the players that they report, the newest command that they have
applied, how long its ack took, and the age of the last heartbeat. Those in
trouble come first; what a stale or disconnected driver runs is not known.

Commands: newest first, with a bar of acks: 3/6 is 3 of 6 drivers, those that
were left out included. The target is named unless it is all drivers.

Only a part of the swarm: swarmcall watch --label team=shop. The stop is then
for those drivers alone.

Any key goes back.`

// help is the screen that ? opens.
func (m *model) help() string {
	lines := strings.Split(helpText, "\n")
	lines = lines[:min(len(lines), max(m.height, 1))]
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.width, "…")
	}
	lines[0] = m.paint(bold, lines[0])
	return strings.Join(lines, "\n")
}
