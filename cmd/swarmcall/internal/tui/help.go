package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// helpText explains the keys and what is shown.
const helpText = `swarmcall watch

  s        stop the load, after a confirmation
  p Space  pause: freeze the display
  /        filter rows by text; Enter keeps the filter, Esc clears it
  ?        this help
  q Esc    quit; the load keeps running

Drivers: the players that they report, the newest command that they have
applied, how long its ack took, and the age of the last heartbeat. Drivers
with problems come first. The load of a stale or disconnected driver is unknown.

Commands: newest first, with a bar of acks: 3/6 is 3 of 6 drivers, including
those left out. The target is shown unless it is all drivers.

To watch a part of the swarm: swarmcall watch --label team=shop. The stop is
then for those drivers alone.

Press any key to go back.`

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
