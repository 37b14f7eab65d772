package live

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/page"
)

// rendered is a page.Live as bytes: the HTML of each element as a JSON string.
type rendered struct {
	parts []element
	lists []renderedList
	gone  bool // the page does not exist
}

type element struct {
	id   string
	json []byte
}

type renderedList struct {
	id   string
	rows []element
}

func render(ctx context.Context, l page.Live) (rendered, error) {
	var out rendered
	for _, p := range l.Parts {
		e, err := renderPart(ctx, p)
		if err != nil {
			return rendered{}, err
		}
		out.parts = append(out.parts, e)
	}
	for _, list := range l.Lists {
		r := renderedList{id: list.ID}
		for _, p := range list.Rows {
			e, err := renderPart(ctx, p)
			if err != nil {
				return rendered{}, err
			}
			r.rows = append(r.rows, e)
		}
		out.lists = append(out.lists, r)
	}
	return out, nil
}

func renderPart(ctx context.Context, p page.Part) (element, error) {
	html, err := p.HTML(ctx)
	if err != nil {
		return element{}, err
	}
	return element{p.ID, jsonString(string(html))}, nil
}

// jsonString does not escape < and >: the frame is not HTML, and escaping would double its size.
func jsonString(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return []byte(`""`) // strings always encode
	}
	return bytes.TrimSpace(b.Bytes())
}

// topic is the state of the live elements of one page.
type topic struct {
	name    string
	viewers int
	idle    time.Time // since when there is no viewer
	parts   map[string]*versioned
	order   []string // of parts
	lists   map[string]*list
	items   []item
	gone    gone
}

// gone says since when the page of a topic does not exist; the zero time while it does.
type gone struct {
	since time.Time
	rev   uint64
}

type versioned struct {
	json []byte
	rev  uint64
}

type list struct {
	rows     map[string]*versioned
	order    []string
	orderRev uint64
}

type item struct {
	json []byte
	rev  uint64
}

// keptItems bounds the old items for a viewer that was disconnected; a chart fetches the whole series anyway.
const keptItems = 600

func newTopic(name string) *topic {
	return &topic{name: name, parts: map[string]*versioned{}, lists: map[string]*list{}}
}

// apply stores a rendering and reports whether anything changed.
func (t *topic) apply(r rendered, items [][]byte, rev uint64) bool {
	changed := t.gone.apply(r, rev) || len(items) > 0
	for _, e := range r.parts {
		if t.parts[e.id] == nil {
			t.order = append(t.order, e.id)
		}
		changed = put(t.parts, e, rev) || changed
	}
	for _, l := range r.lists {
		changed = t.list(l.id).apply(l.rows, rev) || changed
	}
	for _, i := range items {
		t.items = append(t.items, item{i, rev})
	}
	if more := len(t.items) - keptItems; more > 0 {
		t.items = slices.Clone(t.items[more:])
	}
	return changed
}

// apply records that the page ceased to exist, or exists again. A tick with only items has no information about it.
func (g *gone) apply(r rendered, rev uint64) bool {
	switch {
	case r.gone && g.since.IsZero():
		g.since = time.Now()
	case !g.since.IsZero() && len(r.parts)+len(r.lists) > 0:
		g.since = time.Time{}
	default:
		return false
	}
	g.rev = rev
	return true
}

// filled reports whether t was ever rendered, or is known not to exist.
func (t *topic) filled() bool { return len(t.parts)+len(t.lists) > 0 || t.gone.rev > 0 }

func (t *topic) list(id string) *list {
	if t.lists[id] == nil {
		t.lists[id] = &list{rows: map[string]*versioned{}}
	}
	return t.lists[id]
}

func (l *list) apply(rows []element, rev uint64) bool {
	changed := false
	order := make([]string, len(rows))
	for i, e := range rows {
		order[i] = e.id
		changed = put(l.rows, e, rev) || changed
	}
	if l.orderRev == 0 || !slices.Equal(order, l.order) {
		l.order, l.orderRev, changed = order, rev, true
		maps.DeleteFunc(l.rows, func(id string, _ *versioned) bool { return !slices.Contains(order, id) })
	}
	return changed
}

func put(m map[string]*versioned, e element, rev uint64) bool {
	switch old := m[e.id]; {
	case old == nil:
		m[e.id] = &versioned{e.json, rev}
	case !bytes.Equal(old.json, e.json):
		old.json, old.rev = e.json, rev
	default:
		return false
	}
	return true
}
