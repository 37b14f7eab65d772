package drive

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/term"
	"github.com/swarmcall/swarmcall/driver"
)

// quiet is how long a driver whose state does not change says nothing in a pipe.
const quiet = 10 * time.Second

// progress tells how it goes: on a terminal by one line that stays in place, elsewhere by a line of JSON for each change and
// every 10 s.
type progress struct {
	out      io.Writer
	id, url  string
	terminal bool
	online   atomic.Bool

	last   line // what was told
	lastAt time.Time
}

// line is one line of progress.
type line struct {
	Time         string             `json:"time"`
	DriverID     string             `json:"driver_id"`
	Connected    bool               `json:"connected"`
	Players      int64              `json:"players"`
	SpawnDelayMS int64              `json:"spawn_delay_ms"`
	Running      bool               `json:"running"`
	Metrics      map[string]float64 `json:"metrics,omitempty"`
}

func newProgress(out io.Writer, id, url string) *progress {
	return &progress{out: out, id: id, url: url, terminal: term.Animated(out)}
}

func (p *progress) connected(is bool) { p.online.Store(is) }

// run tells until ctx ends, and then once more.
func (p *progress) run(ctx context.Context, g guarded) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		p.tell(time.Now(), g.state(), g.metrics)
		select {
		case <-ctx.Done():
			p.tell(time.Now(), g.state(), g.metrics)
			if p.terminal {
				_, _ = io.WriteString(p.out, "\n")
			}
			return
		case <-second.C:
		}
	}
}

func (p *progress) tell(now time.Time, s driver.State, metrics func() map[string]float64) {
	l := line{
		Time: now.UTC().Format("2006-01-02T15:04:05.000Z07:00"), DriverID: p.id, Connected: p.online.Load(),
		Players: s.Players, SpawnDelayMS: s.SpawnDelayMS, Running: s.Running,
	}
	if !p.terminal && !p.due(now, l) {
		return
	}
	p.last, p.lastAt = l, now
	l.Metrics = metrics()
	if p.terminal {
		_, _ = fmt.Fprintf(p.out, "\r\x1b[K%s", l.text(p.url))
		return
	}
	_ = json.NewEncoder(p.out).Encode(l) // a reader that has gone is no reason to end the load
}

// due reports whether l is worth a line in a pipe.
func (p *progress) due(now time.Time, l line) bool {
	was := p.last
	return p.lastAt.IsZero() || now.Sub(p.lastAt) >= quiet ||
		l.Connected != was.Connected || l.Players != was.Players || l.SpawnDelayMS != was.SpawnDelayMS || l.Running != was.Running
}

// text is l for people, short enough for most terminals: figures past the first six are left to JSON.
func (l line) text(url string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  ", l.DriverID)
	if !l.Connected {
		fmt.Fprintf(&b, "no server at %s  ", url)
	}
	fmt.Fprintf(&b, "%d players", l.Players)
	names := slices.Sorted(maps.Keys(l.Metrics))
	for _, name := range names[:min(len(names), 6)] {
		fmt.Fprintf(&b, "  %s %.4g", name, l.Metrics[name])
	}
	return b.String()
}
