// Package view turns the state of the server into the texts and numbers of the pages. It has no HTML, no clock and no
// I/O.
package view

import (
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Count writes a number with separators: 12,345.
func Count[T ~int | ~int64 | ~uint64](n T) string {
	s := fmt.Sprint(n)
	digits := strings.TrimPrefix(s, "-")
	var b strings.Builder
	b.WriteString(s[:len(s)-len(digits)])
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// Bytes writes a size in the largest unit that is not larger than the size: 8 GiB, 1.5 MiB.
func Bytes(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	f, unit := float64(n), 0
	for ; f >= 1024 && unit < len(units)-1; unit++ {
		f /= 1024
	}
	return strconv.FormatFloat(math.Round(f*10)/10, 'f', -1, 64) + " " + units[unit]
}

// Latency writes a short duration with useful precision.
func Latency(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case ms < 10:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 60_000:
		return fmt.Sprintf("%.1f s", ms/1000)
	default:
		return Age(d)
	}
}

// Age writes how long ago something was, in whole units. A value that changed at every tick would be unreadable, and
// would be sent twice a second.
func Age(d time.Duration) string {
	switch {
	case d < time.Second:
		return "< 1 s"
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	default:
		return fmt.Sprintf("%d d", d/(24*time.Hour))
	}
}

// Moment is a point in time: a short form for people and the complete one for machines. Both are UTC, as in the API.
type Moment struct{ Clock, ISO string }

// At makes a Moment.
func At(t time.Time) Moment {
	if t.IsZero() {
		return Moment{}
	}
	t = t.UTC()
	return Moment{t.Format("15:04:05"), t.Format("2006-01-02T15:04:05.000Z")}
}

// when is the Moment of an item in a list: its clock also has the date, unless that is today.
func (w World) when(t time.Time) Moment {
	m := At(t)
	now, t := w.Now.UTC(), t.UTC()
	switch {
	case t.IsZero() || w.Now.IsZero():
	case t.Year() != now.Year():
		m.Clock = t.Format("2 Jan 2006 15:04:05")
	case t.YearDay() != now.YearDay():
		m.Clock = t.Format("2 Jan 15:04:05")
	}
	return m
}

// Plural writes a count with its noun.
func Plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return Count(n) + " " + noun + "s"
}

// Do describes a command in a few words.
func Do(c swarm.Command) string { return c.Text(Count[int64]) }

// To describes the target of a command.
func To(t swarm.Target) string {
	var parts []string
	switch n := len(t.DriverIDs); {
	case n == 1:
		parts = append(parts, t.DriverIDs[0])
	case n > 1:
		parts = append(parts, Plural(n, "named driver"))
	}
	if len(t.Labels) > 0 {
		parts = append(parts, strings.Join(Labels(t.Labels), ", "))
	}
	if len(parts) == 0 {
		return "all drivers"
	}
	return strings.Join(parts, " with ")
}

// Labels writes labels as key=value, sorted.
func Labels(labels map[string]string) []string {
	out := make([]string, 0, len(labels))
	for k, v := range labels {
		out = append(out, k+"="+v)
	}
	slices.Sort(out)
	return out
}

// CommandURL is the page of a command.
func CommandURL(seq uint64) string { return "/ui/commands/" + strconv.FormatUint(seq, 10) }

// DriverURL is the page of a driver.
func DriverURL(id string) string { return "/ui/drivers/" + url.PathEscape(id) }
