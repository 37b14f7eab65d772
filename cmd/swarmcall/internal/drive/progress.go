package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// quiet is the interval between two lines in a pipe while the state does not change.
const quiet = 10 * time.Second

// progress reports the state of a driver: on a terminal as one line that is redrawn in place, elsewhere as a line of
// JSON for each change and every 10 s.
type progress struct {
	screen  *Screen
	id, url string                 // the url may be a list of several servers
	server  atomic.Pointer[string] // the one that the driver is connected to; nil: none

	last   line // last line that was reported
	lastAt time.Time
}

// line is one line of progress.
type line struct {
	Time         string             `json:"time"`
	DriverID     string             `json:"driver_id"`
	Connected    bool               `json:"connected"`
	URL          string             `json:"url,omitempty"` // of the server it is connected to, if it has several
	Players      int64              `json:"players"`
	SpawnDelayMS int64              `json:"spawn_delay_ms"`
	Running      bool               `json:"running"`
	Metrics      map[string]float64 `json:"metrics,omitempty"`
}

func newProgress(out io.Writer, id, url string) *progress {
	screen, ok := out.(*Screen)
	if !ok {
		screen = NewScreen(out, io.Discard)
	}
	return &progress{screen: screen, id: id, url: url}
}

// connected records the server that the driver is connected to, "" for none.
func (p *progress) connected(to string) {
	if to == "" {
		p.server.Store(nil)
		return
	}
	p.server.Store(&to)
}

// run reports every second until ctx ends, and then once more.
func (p *progress) run(ctx context.Context, g guarded) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		p.tell(time.Now(), g)
		select {
		case <-ctx.Done():
			p.tell(time.Now(), g)
			p.screen.leave()
			return
		case <-second.C:
		}
	}
}

func (p *progress) tell(now time.Time, g guarded) {
	s, server := g.state(), p.server.Load()
	l := line{
		Time: now.UTC().Format("2006-01-02T15:04:05.000Z07:00"), DriverID: p.id, Connected: server != nil,
		Players: s.Players, SpawnDelayMS: s.SpawnDelayMS, Running: s.Running,
	}
	if l.Connected && strings.Contains(p.url, ",") {
		l.URL = *server
	}
	if !p.screen.terminal && !p.due(now, l) {
		return
	}
	p.last, p.lastAt = l, now
	l.Metrics = g.metrics()
	if p.screen.terminal {
		p.screen.show(l.text(p.url, g.wanted()))
		return
	}
	_ = json.NewEncoder(p.screen).Encode(l) // a closed reader must not end the load
}

// due reports whether l is worth a line in a pipe.
func (p *progress) due(now time.Time, l line) bool {
	was := p.last
	return p.lastAt.IsZero() || now.Sub(p.lastAt) >= quiet ||
		l.Connected != was.Connected || l.URL != was.URL || l.Players != was.Players || l.SpawnDelayMS != was.SpawnDelayMS ||
		l.Running != was.Running
}

// text formats l for people: "locust-1 connected, 20/20 players, 95 req/s, 0 errors". wanted < 0 means: no command yet.
func (l line) text(url string, wanted int64) string {
	parts := []string{l.DriverID + " connected"}
	if l.URL != "" {
		parts[0] += " to " + l.URL
	}
	if !l.Connected {
		parts[0] = l.DriverID + " not connected to " + url
	}
	players := strconv.FormatInt(l.Players, 10)
	if wanted >= 0 {
		players += "/" + strconv.FormatInt(wanted, 10)
	}
	parts = append(parts, players+" players")
	rest := maps.Clone(l.Metrics)
	for _, known := range []struct{ name, format, zero string }{
		{"rps", "%s req/s", "0 req/s"}, {"errors_per_s", "%s errors/s", "0 errors"}, {"latency_p95_ms", "p95 %s ms",
			"p95 0 ms"},
	} {
		v, ok := l.Metrics[known.name]
		if !ok {
			continue
		}
		delete(rest, known.name)
		text := known.zero
		if v != 0 {
			text = fmt.Sprintf(known.format, figure(v))
		}
		parts = append(parts, text)
	}
	const others = 3 // a program's own metrics; the rest is only in the JSON
	names := slices.Sorted(maps.Keys(rest))
	for _, name := range names[:min(len(names), others)] {
		parts = append(parts, name+" "+figure(rest[name]))
	}
	return strings.Join(parts, ", ")
}

// figure formats a number with three digits, and a large one without decimals.
func figure(v float64) string {
	if math.Abs(v) >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}
