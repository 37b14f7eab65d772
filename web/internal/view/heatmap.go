package view

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Heatmap is a table of drivers and the newest commands. Each cell shows how the driver answered the command.
type Heatmap struct {
	Columns []HeatColumn // newest first
	Rows    []HeatRow    // worst first
	Shown   string
	Prev    string
	Next    string
	LogDown bool
}

// HeatColumn is one command.
type HeatColumn struct{ Seq, URL, Words string }

// HeatRow is one driver.
type HeatRow struct {
	ID, URL string
	Badge   Badge
	Cells   []HeatCell
}

// HeatCell is the answer of one driver to one command. Class is h1 (fast) to h5 (slow) for acks, or x, r, s, p, l, o,
// none.
type HeatCell struct{ Class, Text, Says string }

// RowsOfHeatmap is how many drivers a page of the heatmap shows.
const RowsOfHeatmap = 40

// ReadHeatmapPage reads the page number from a URL.
func ReadHeatmapPage(q url.Values) int {
	n, err := strconv.Atoi(q.Get("page"))
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// NewHeatmap shows a page of w.
func NewHeatmap(w World, page int) Heatmap {
	h := Heatmap{LogDown: w.LogErr != nil}
	for _, e := range w.Recent {
		h.Columns = append(h.Columns, HeatColumn{
			strconv.FormatUint(e.Seq, 10), CommandURL(e.Seq), Do(e.Issued.Command),
		})
	}
	order := w.worstAtCommands()
	pages := max(1, (len(order)+RowsOfHeatmap-1)/RowsOfHeatmap)
	page = min(page, pages)
	from := (page - 1) * RowsOfHeatmap
	to := min(from+RowsOfHeatmap, len(order))
	for _, i := range order[from:to] {
		d := w.Drivers[i]
		row := HeatRow{ID: d.ID, URL: DriverURL(d.ID), Badge: driverBadge(d)}
		for _, e := range w.Recent {
			row.Cells = append(row.Cells, w.heatCell(e, d.ID))
		}
		h.Rows = append(h.Rows, row)
	}
	if len(order) > 0 {
		h.Shown = Count(from+1) + "–" + Count(to) + " of " + Plural(len(order), "driver")
	}
	if page > 1 {
		h.Prev = withQuery("/ui/heatmap", [2]string{"page", strconv.Itoa(page - 1)})
	}
	if page < pages {
		h.Next = withQuery("/ui/heatmap", [2]string{"page", strconv.Itoa(page + 1)})
	}
	return h
}

// worstAtCommands orders drivers by how many recent commands they did not ack or were left out of, and then by their
// standing.
func (w World) worstAtCommands() []int {
	at := make(map[string]int, len(w.Drivers))
	order := make([]int, len(w.Drivers))
	for i, d := range w.Drivers {
		at[d.ID], order[i] = i, i
	}
	bad := make([]int, len(w.Drivers))
	for _, e := range w.Recent {
		if e.Closed == nil {
			continue
		}
		for _, l := range e.Issued.LeftOut {
			if d, ok := at[l.DriverID]; ok {
				bad[d]++
			}
		}
		for i, v := range e.Closed.Verdicts {
			if v.Kind == swarm.Missing || v.Kind == swarm.Rejected {
				if d, ok := at[e.Issued.Targets[i]]; ok {
					bad[d]++
				}
			}
		}
	}
	aims := w.aims()
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(bad[b], bad[a]), cmp.Compare(aims[b].Standing, aims[a].Standing))
	})
	return order
}

func (w World) heatCell(e swarm.Entry, id string) HeatCell {
	if _, left := leftOutOf(e, id); left {
		return HeatCell{"o", "∅", "left out"}
	}
	v, ok := verdict(e, id)
	if e.Closed == nil {
		v, ok = w.answer(e, id), isTarget(e, id)
	}
	if !ok {
		return HeatCell{"none", "", "no target"}
	}
	switch v.Kind {
	case swarm.Undecided:
		return HeatCell{"p", "…", "pending"}
	case swarm.Acked:
		return HeatCell{heat(v.Latency), brief(v.Latency), ""}
	case swarm.Rejected:
		return HeatCell{"r", "!", "rejected"}
	case swarm.Superseded:
		return HeatCell{"s", "–", "superseded"}
	case swarm.Missing:
	}
	for _, l := range e.Late {
		if l.DriverID == id {
			return HeatCell{"l", "◔", "late"}
		}
	}
	return HeatCell{"x", "✕", "missing"}
}

func heat(d time.Duration) string {
	for i, top := range []time.Duration{10 * time.Millisecond, 50 * time.Millisecond, 200 * time.Millisecond,
		time.Second} {
		if d < top {
			return "h" + strconv.Itoa(i+1)
		}
	}
	return "h5"
}

// brief writes milliseconds in at most three characters.
func brief(d time.Duration) string {
	ms := d.Milliseconds()
	switch {
	case d < time.Millisecond:
		return "<1"
	case ms < 1000:
		return strconv.FormatInt(ms, 10)
	default:
		return strconv.FormatInt(ms/1000, 10) + "s"
	}
}
