package view

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers is the page of drivers.
type Drivers struct {
	Rows   []DriverRow
	Filter DriverFilter
	Counts []StateCount // of the whole roster
	Shown  string       // "1–100 of 15,000"
	Prev   string       // URL, or ""
	Next   string
	First  *FirstSteps
	Sorts  []Sort
}

// Sort is a way to order drivers.
type Sort struct{ Key, Name, URL string }

// DriverFilter is the filter of the list and its order; the URL contains it.
type DriverFilter struct {
	State string
	Label string // key=value
	Text  string // part of the id
	Sort  string
	Page  int // from 1
}

// PageOfDrivers is how many drivers a page lists. Rows are patched one by one, so this also bounds the data sent to a
// viewer.
const PageOfDrivers = 100

// sortNames are the ways to order drivers; the first is the default.
var sortNames = []Sort{{Key: "worst", Name: "worst first"}, {Key: "id", Name: "id"},
	{Key: "heartbeat", Name: "heartbeat age"}, {Key: "players", Name: "players"}, {Key: "ack", Name: "last ack"}}

// ReadDriverFilter reads a filter from a URL and ignores invalid values.
func ReadDriverFilter(q url.Values) DriverFilter {
	f := DriverFilter{State: q.Get("state"), Label: q.Get("label"), Text: q.Get("q"), Sort: q.Get("sort"), Page: 1}
	if !known(f.State, swarm.DriverStates()) {
		f.State = ""
	}
	if !slices.ContainsFunc(sortNames, func(s Sort) bool { return s.Key == f.Sort }) {
		f.Sort = sortNames[0].Key
	}
	if n, err := strconv.Atoi(q.Get("page")); err == nil && n > 1 {
		f.Page = n
	}
	return f
}

// Set reports whether the filter narrows anything.
func (f DriverFilter) Set() bool { return f.State != "" || f.Label != "" || f.Text != "" }

// URL is a page of this filter.
func (f DriverFilter) URL(page int) string {
	sort, number := f.Sort, ""
	if sort == sortNames[0].Key {
		sort = ""
	}
	if page > 1 {
		number = strconv.Itoa(page)
	}
	return withQuery("/ui/drivers", [2]string{"state", f.State}, [2]string{"label", f.Label}, [2]string{"q", f.Text},
		[2]string{"sort", sort}, [2]string{"page", number})
}

func (f DriverFilter) matches(d swarm.Driver) bool {
	if f.State != "" && string(d.State) != f.State {
		return false
	}
	if f.Text != "" && !strings.Contains(d.ID, f.Text) {
		return false
	}
	if f.Label != "" {
		k, v, _ := strings.Cut(f.Label, "=")
		got, ok := d.Labels[strings.TrimSpace(k)]
		return ok && got == strings.TrimSpace(v)
	}
	return true
}

// NewDrivers shows the drivers that f selects.
func NewDrivers(w World, f DriverFilter, address string) Drivers {
	aims := w.aims()
	var chosen []int
	for i, d := range w.Drivers {
		if f.matches(d) {
			chosen = append(chosen, i)
		}
	}
	w.order(chosen, aims, f.Sort)
	pages := max(1, (len(chosen)+PageOfDrivers-1)/PageOfDrivers)
	f.Page = min(f.Page, pages)
	from := (f.Page - 1) * PageOfDrivers
	to := min(from+PageOfDrivers, len(chosen))
	out := Drivers{Filter: f, Counts: stateCounts(w.tally()), Shown: "0 of " + Count(len(w.Drivers))}
	for _, i := range chosen[from:to] {
		out.Rows = append(out.Rows, newDriverRow(w, w.Drivers[i], aims[i]))
	}
	if len(out.Rows) > 0 {
		out.Shown = Count(from+1) + "–" + Count(to) + " of " + Count(len(chosen))
	}
	if f.Page > 1 {
		out.Prev = f.URL(f.Page - 1)
	}
	if f.Page < pages {
		out.Next = f.URL(f.Page + 1)
	}
	if len(w.Drivers) == 0 {
		out.First = firstSteps(w, address)
	}
	for _, s := range sortNames {
		sorted := f
		sorted.Sort = s.Key
		out.Sorts = append(out.Sorts, Sort{s.Key, s.Name, sorted.URL(1)})
	}
	return out
}

// order sorts indexes of drivers; ties stay in the order of ids, so that rows do not change places.
func (w World) order(chosen []int, aims []Aim, by string) {
	d := w.Drivers
	ack := func(i int) uint64 {
		if d[i].LastAck == nil {
			return 0
		}
		return d[i].LastAck.Seq
	}
	var less func(a, b int) int
	switch by {
	case "id":
		return // the roster is in the order of ids
	case "heartbeat":
		less = func(a, b int) int {
			return cmp.Compare(d[b].HeartbeatAge.Truncate(1e9), d[a].HeartbeatAge.Truncate(1e9))
		}
	case "players":
		less = func(a, b int) int { // drivers whose load is unknown come last
			unknown := cmp.Compare(aims[a].unknown(), aims[b].unknown())
			return cmp.Or(unknown, cmp.Compare(d[b].Reported.Players, d[a].Reported.Players))
		}
	case "ack":
		less = func(a, b int) int { return cmp.Compare(ack(a), ack(b)) }
	default:
		rank := func(i int) Standing {
			if inConflict(d[i]) {
				return Lost + 1 // its load is that of several processes, whatever it reports
			}
			return aims[i].Standing
		}
		less = func(a, b int) int { return cmp.Compare(rank(b), rank(a)) }
	}
	slices.SortStableFunc(chosen, less)
}
