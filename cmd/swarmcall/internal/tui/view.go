package tui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

const (
	bold, dim, red, green, yellow, plain = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"
)

// View implements tea.Model.
func (m *model) View() tea.View {
	v := tea.NewView(m.screen())
	v.AltScreen = true
	v.WindowTitle = "swarmcall " + m.client.URL()
	return v
}

// screen lays out the parts: two lines of status, drivers, commands, one line of keys.
func (m *model) screen() string {
	if m.helping {
		return m.help()
	}
	const status, headings, keys = 3, 3, 2
	room := max(m.height-status-headings-keys, 2)
	drivers, commands := m.drivers(), m.commands()
	share := min(len(drivers), max(room/2, room-len(commands)))
	lines := []string{m.title(), m.load(), ""}
	lines = append(lines, m.paint(bold, fmt.Sprintf("%-24s %-12s %10s %10s %9s  %s", "DRIVER", "STATE", "PLAYERS",
		"APPLIED", "ACK MS", "HEARTBEAT")))
	lines = append(lines, cut(drivers, share)...)
	heading := fmt.Sprintf("%-7s %-26s %-18s %-10s %s", "ENTRY", "COMMAND", "SUBMITTER", "STATUS", "ACKS AND TARGET")
	lines = append(lines, "", m.paint(bold, heading))
	lines = append(lines, cut(commands, room-share)...)
	for len(lines) < m.height-1 {
		lines = append(lines, "")
	}
	lines = append(lines[:max(m.height-1, 1)], m.keys())
	for i, line := range lines {
		lines[i] = ansi.Truncate(line, m.width, "…")
	}
	return strings.Join(lines, "\n")
}

// cut keeps n rows and reports how many it omits.
func cut(rows []string, n int) []string {
	if len(rows) <= n {
		return rows
	}
	return append(slices.Clone(rows[:max(n-1, 0)]), fmt.Sprintf("… and %d more", len(rows)-max(n-1, 0)))
}

func (m *model) title() string {
	state := m.paint(green, "● live")
	switch {
	case m.err != nil:
		state = m.paint(red, fmt.Sprintf("○ no answer, as of %s: %s", m.age(), console.Safe(m.err.Error())))
	case m.seen.at.IsZero():
		state = "○ connecting"
	case time.Since(m.heard) > fresh:
		state = m.paint(red, "○ no answer, as of "+m.age())
	case m.paused:
		state = m.paint(yellow, "‖ paused, as of "+m.age())
	}
	only := ""
	if len(m.labels) > 0 {
		only = "  only " + console.Safe(remote.LabelsText(m.labels))
	}
	return m.paint(bold, "swarmcall") + "  " + m.client.Server() + only + "  " + state
}

func (m *model) age() string {
	if m.seen.at.IsZero() {
		return "never"
	}
	return time.Since(m.seen.at).Round(time.Second).String() + " ago"
}

// load compares the running players with the desired ones, and counts the drivers by state.
func (m *model) load() string {
	k, players := m.seen.drivers.Counts, int64(0)
	for _, d := range m.seen.drivers.Items {
		if d.State == api.DriverStateActive { // the load of the others is unknown
			players += d.Reported.Players
		}
	}
	text := fmt.Sprintf("players %d", players)
	if n := k.Stale + k.Disconnected; n > 0 {
		text += m.paint(red, ", "+verdict.Drivers(n)+" unknown")
	}
	text += fmt.Sprintf("   drivers %d active", k.Active)
	for _, part := range []struct {
		n    int
		name string
	}{{k.Stale, "stale"}, {k.Disconnected, "disconnected"}} {
		if part.n > 0 {
			text += m.paint(red, fmt.Sprintf(", %d %s", part.n, part.name))
		}
	}
	i := slices.IndexFunc(m.seen.commands,
		func(e remote.Entry) bool { return remote.CommandOf(e).Slot() == command.LoadSlot })
	if i >= 0 {
		e := m.seen.commands[i]
		text += fmt.Sprintf("   desired: %s (entry %d)", remote.CommandOf(e), e.Seq)
	}
	return text
}

// drivers returns the rows of the roster, drivers with problems first.
func (m *model) drivers() []string {
	sorted := slices.Clone(m.seen.drivers.Items)
	slices.SortStableFunc(sorted, func(a, b remote.Driver) int { return cmp.Compare(rank(b), rank(a)) })
	var rows []string
	for _, d := range sorted {
		ack := "-"
		if d.LastAck != nil {
			ack = fmt.Sprintf("%.1f", d.LastAck.LatencyMs)
		}
		row := fmt.Sprintf("%-24s %-12s %10d %10d %9s  %v", console.Safe(d.DriverId), d.State, d.Reported.Players,
			d.AppliedSeq, ack,
			time.Duration(d.HeartbeatAgeMs)*time.Millisecond)
		if m.matches(row) {
			rows = append(rows, m.paint(map[int]string{1: yellow, 2: red}[rank(d)], row))
		}
	}
	return rows
}

func rank(d remote.Driver) int {
	return map[api.DriverState]int{api.DriverStateStale: 1, api.DriverStateDisconnected: 2}[d.State]
}

// commands returns the rows of the log, newest first, each with a bar of its acks.
func (m *model) commands() []string {
	var rows []string
	for _, e := range m.seen.commands {
		k := e.Counts
		if !remote.Closed(e) {
			k.Acked = m.acksOf(e.Seq)
		}
		row := fmt.Sprintf("%-7d %-26s %-18s %-10s ", e.Seq, remote.CommandOf(e), console.Safe(e.Submitter), e.Status)
		left := remote.CountLeftOut(e)
		tail := fmt.Sprintf(" %d/%d", k.Acked, k.Targeted+left)
		if k.Rejected > 0 {
			tail += fmt.Sprintf(", %d rejected", k.Rejected)
		}
		if k.Missing > 0 {
			tail += fmt.Sprintf(", %d missing", k.Missing)
		}
		if left > 0 {
			tail += fmt.Sprintf(", %d left out", left)
		}
		if remote.TargetText(e.Target) != "" {
			tail += "  " + console.Safe(remote.TargetBrief(e.Target))
		}
		if m.matches(row + tail) {
			rows = append(rows, row+m.ackBar(k, left)+tail)
		}
	}
	return rows
}

// acksOf counts the acks of an open entry so far: the roster has them before the log.
func (m *model) acksOf(seq int64) int {
	n := 0
	for _, d := range m.seen.drivers.Items {
		if d.LastAck != nil && d.LastAck.Seq == seq && d.AppliedSeq >= seq {
			n++
		}
	}
	return n
}

// ackBar returns a bar of ten cells. It is full only if no ack is missing.
func (m *model) ackBar(k api.Counts, left int) string {
	const cells = 10
	n := 0
	if all := k.Targeted + left; all > 0 {
		n = k.Acked * cells / all
	}
	bad := ""
	if k.Rejected+k.Missing+left > 0 {
		bad = strings.Repeat("×", max(cells-n, 1))
	}
	bar := m.paint(green, strings.Repeat("█", n)) + m.paint(red, bad)
	return bar + strings.Repeat("·", max(cells-n-len([]rune(bad)), 0))
}

func (m *model) matches(row string) bool {
	return m.filter == "" || strings.Contains(strings.ToLower(row), strings.ToLower(m.filter))
}

// keys returns the last line: the question, the filter, or the meaning of the keys.
func (m *model) keys() string {
	switch {
	case m.confirming:
		k := m.seen.drivers.Counts
		drivers := verdict.Drivers(k.Active + k.Stale + k.Disconnected)
		whom := "all " + drivers
		if len(m.labels) > 0 {
			whom = "the " + drivers + " of " + console.Safe(remote.LabelsText(m.labels))
		}
		return m.paint(red, "Stop the load on "+whom+"? y or Enter: yes, any other key: no")
	case m.filtering:
		return "filter: " + console.Safe(m.filter) + "▏ Enter keeps it, Esc clears it"
	}
	line := "s stop   p pause   / filter   ? help   q quit"
	if m.filter != "" {
		line += "   filter: " + console.Safe(m.filter)
	}
	if m.message != "" {
		line += "   " + console.Safe(m.message)
	}
	return m.paint(dim, line)
}

func (m *model) paint(colour, text string) string {
	if !m.colour || colour == "" || text == "" {
		return text
	}
	return colour + text + plain
}
