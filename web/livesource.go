package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/live"
	"github.com/swarmcall/swarmcall/web/internal/page"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// source provides the content of the live hub. Only the hub's goroutine uses it.
type source struct {
	ui    *UI
	world view.World
	gen   uint64
	seen  uint64 // newest command that was sent as a mark
	read  bool   // the log has been read, and may have been empty
	pages map[string]cachedPage
	kept  map[string]cachedLive
}

// cachedPage is a page of the log that is read again only after the log changed.
type cachedPage struct {
	gen  uint64
	page swarm.Page
	err  error
}

// cachedLive is a rendering that is reused for some ticks, where rendering at every tick costs too much.
type cachedLive struct {
	at   time.Time
	live page.Live
}

// Tick reads the roster and the newest commands once for all viewers.
func (s *source) Tick(ctx context.Context) map[string][][]byte {
	entries, gen, err := s.ui.recent.now()
	if gen != s.gen {
		s.gen = gen
		clear(s.pages)
	}
	s.world = s.ui.worldOf(ctx, entries, err)
	items := s.marks(entries)
	s.read = s.read || (gen > 0 && err == nil)
	if sample, ok := s.ui.history.observe(s.world); ok {
		items = append(items, encodePoint(sample))
	}
	s.world.Samples = nil // the live chart receives points, not a rendered chart
	return map[string][][]byte{"/": items}
}

// marks returns the commands that are new since the last tick. Commands from before the first read of the log are
// already in the series.
func (s *source) marks(entries []swarm.Entry) [][]byte {
	var out [][]byte
	for i := len(entries) - 1; i >= 0; i-- {
		if e := entries[i]; e.Seq > s.seen {
			s.seen = e.Seq
			if s.read {
				out = append(out, encodeMark(e))
			}
		}
	}
	return out
}

// Render returns the live parts of the page of a topic.
func (s *source) Render(ctx context.Context, topic string) (page.Live, error) {
	if topic == "" {
		return page.LiveStrip(view.NewStrip(s.world)), nil
	}
	u, err := url.Parse(topic)
	if err != nil {
		return page.Live{}, err
	}
	row, _, _ := find(u.Path)
	if kept, ok := s.kept[topic]; ok && s.world.Now.Sub(kept.at) < row.every {
		return kept.live, nil
	}
	screen, err := s.ui.screen(ctx, request{world: s.world, path: u.Path, query: u.Query(), page: s.page})
	if row.every > 0 && err == nil {
		if len(s.kept) > 20 {
			clear(s.kept)
		}
		s.kept[topic] = cachedLive{s.world.Now, screen.live}
	}
	if swarm.CodeOf(err) == swarm.CodeNotFound {
		err = live.ErrGone
	}
	return screen.live, err
}

func (s *source) page(ctx context.Context, q swarm.Query) (swarm.Page, error) {
	key, err := json.Marshal(q)
	if err != nil {
		return swarm.Page{}, err
	}
	kept, ok := s.pages[string(key)]
	if !ok || kept.gen != s.gen {
		kept = cachedPage{gen: s.gen}
		kept.page, kept.err = s.ui.cfg.Log.Page(ctx, q)
		s.pages[string(key)] = kept
	}
	return kept.page, kept.err
}

// Points and marks are small JSON: ["p", ms, target, actual], with 1 at the end after a gap, and ["m", ms, seq, words].

func encodePoint(s view.Sample) []byte {
	point := []any{"p", s.At.UnixMilli(), s.Target, s.Actual}
	if s.Gap {
		point = append(point, 1)
	}
	return encode(point)
}

func encodeMark(e swarm.Entry) []byte {
	return encode([]any{"m", e.Issued.SubmittedAt.UnixMilli(), e.Seq, view.Do(e.Issued.Command)})
}

func encode(v []any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("[]") // numbers and strings always encode
	}
	return b
}

// series answers with all points and marks, for the script that draws the chart.
func (u *UI) series(w http.ResponseWriter, r *http.Request) {
	var items []string
	all, _ := u.history.samples()
	for _, s := range all {
		items = append(items, string(encodePoint(s)))
	}
	p, err := u.cfg.Log.Page(r.Context(), swarm.Query{Limit: view.RecentEntries})
	if err == nil {
		for _, e := range p.Entries {
			items = append(items, string(encodeMark(e)))
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("[" + strings.Join(items, ",") + "]")) // the client may have disconnected
}
