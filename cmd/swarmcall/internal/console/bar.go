package console

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Acks are the verdicts of a command so far. Left-out drivers are counted separately from the targets.
type Acks struct{ Targeted, Acked, Rejected, Missing, Superseded, LeftOut int }

// Bar draws how many of a command's targets have answered.
func (l *Line) Bar(label string, a Acks) string {
	waiting := max(a.Targeted-a.Acked-a.Rejected-a.Missing-a.Superseded, 0)
	text := fmt.Sprintf("acked %d/%d · rejected %d · missing %d · waiting %d",
		a.Acked, a.Targeted+a.LeftOut, a.Rejected, a.Missing, waiting)
	if a.LeftOut > 0 {
		text += fmt.Sprintf(" · left out %d", a.LeftOut)
	}
	if a.Superseded > 0 {
		text += fmt.Sprintf(" · superseded %d", a.Superseded)
	}
	bar := fill(l.cells(label, text), l.colour, []part{
		{a.Acked, "█", green}, {a.Rejected, "!", red}, {a.Missing + a.LeftOut, "×", red},
		{a.Superseded, "»", yellow}, {waiting, "·", ""},
	})
	return fmt.Sprintf("%s [%s] %s", Safe(label), bar, text)
}

// Players draws how much of the desired load the drivers report.
func (l *Line) Players(label string, actual, target int64) string {
	return l.Part(label, "players", actual, target)
}

// Part draws a number out of a target number.
func (l *Line) Part(label, things string, actual, target int64) string {
	text := fmt.Sprintf("%s %d/%d", things, actual, target)
	bar := fill(l.cells(label, text), l.colour,
		[]part{{int(actual), "█", green}, {int(max(target-actual, 0)), "·", ""}})
	return fmt.Sprintf("%s [%s] %s", Safe(label), bar, text)
}

const (
	green, yellow, red = "\x1b[32m", "\x1b[33m", "\x1b[31m"
	plain              = "\x1b[0m"
)

// cells returns the width of the bar itself.
func (l *Line) cells(label, text string) int {
	const most, least, frame = 30, 5, 6
	return max(min(most, Width(l.w)-utf8.RuneCountInString(label)-utf8.RuneCountInString(text)-frame), least)
}

// part is a share of a bar.
type part struct {
	n      int
	sign   string
	colour string
}

// fill distributes the cells. Every part above 0 gets at least one, at the cost of the largest part, so that a single
// missing driver of thousands is visible.
func fill(cells int, colour bool, parts []part) string {
	whole, largest, most := 0, 0, 0
	for i, p := range parts {
		whole += p.n
		if p.n > most {
			largest, most = i, p.n
		}
	}
	if whole == 0 {
		return strings.Repeat(" ", cells)
	}
	share, left := make([]int, len(parts)), cells
	for i, p := range parts {
		if p.n > 0 && i != largest {
			share[i] = min(max(p.n*cells/whole, 1), left)
			left -= share[i]
		}
	}
	share[largest] = left
	var b strings.Builder
	for i, p := range parts {
		text := strings.Repeat(p.sign, share[i])
		if colour && p.colour != "" && text != "" {
			text = p.colour + text + plain
		}
		b.WriteString(text)
	}
	return b.String()
}
