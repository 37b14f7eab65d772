package live

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/page"
)

// ErrGone says that the page of a topic no longer exists, because the server no longer knows its subject.
var ErrGone = errors.New("the page no longer exists")

// Source provides the content of the hub. Only the hub's goroutine calls it.
type Source interface {
	// Tick reads the present state; all renderings until the next Tick use it. The items are sent to the viewers of a
	// topic in order and unchanged: small JSON, such as the points of a chart.
	Tick(ctx context.Context) map[string][][]byte
	// Render returns the live parts of the page of a topic, or for "" those of all pages. After an error, viewers keep
	// the old parts; after ErrGone they show that the page no longer exists.
	Render(ctx context.Context, topic string) (page.Live, error)
}

// Config is what a Hub needs.
type Config struct {
	Source     Source
	Build      string                  // version of the assets, so that a page detects that it is older than the server
	Valid      func(topic string) bool // whether a topic may be subscribed to
	Tick       time.Duration           // interval of renderings while there are viewers; 0: 500 ms
	Idle       time.Duration           // interval of ticks while there are no viewers; 0: 1 s
	Beat       time.Duration           // silence after which a viewer receives a beat; 0: 2 s
	WriteLimit time.Duration           // a viewer that accepts no data for that long is disconnected; 0: 10 s
	MaxViewers int
	// a text that changes with the visitor and their rights, which is sent to nobody else; "": none
	Visitor func(*http.Request) string
	Meter   Meter // nil: viewers are not counted
	Logger  *slog.Logger
}

// Meter counts viewers. Its methods must not block.
type Meter interface {
	StreamOpened()
	StreamClosed(dropped bool) // dropped: the viewer accepted no data in time
}

// unmetered is the Meter of a Hub without one.
type unmetered struct{}

func (unmetered) StreamOpened()     {}
func (unmetered) StreamClosed(bool) {}

// maxTopics bounds the topics rendered per tick; maxPerViewer bounds the topics of one viewer.
const (
	maxTopics    = 500
	maxPerViewer = 24
	keepIdle     = 30 * time.Second
)

func (c *Config) setDefaults() {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Tick, 500*time.Millisecond)
	def(&c.Idle, time.Second)
	def(&c.Beat, 2*time.Second)
	def(&c.WriteLimit, 10*time.Second)
	if c.Meter == nil {
		c.Meter = unmetered{}
	}
}

// Hub serves live streams.
type Hub struct {
	cfg  Config
	boot string
	kick chan struct{} // the first viewer has joined

	mu      sync.Mutex
	rev     uint64
	topics  map[string]*topic
	viewers int
	running bool
	changed chan struct{} // closed when rev rises, and when the hub ends
	// events of the present revision by gaps; viewers with the same gaps share the bytes
	events map[string][]byte
}

// New makes a Hub. It serves streams while Run runs.
func New(cfg Config) *Hub {
	cfg.setDefaults()
	return &Hub{
		cfg: cfg, boot: strings.ToLower(rand.Text()[:10]), kick: make(chan struct{}, 1),
		topics: map[string]*topic{"": newTopic("")}, changed: make(chan struct{}), events: map[string][]byte{},
	}
}

// Run renders until ctx ends, and then ends all streams.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	h.running = true
	h.mu.Unlock()
	defer h.end()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.kick:
		case <-timer.C:
		}
		timer.Reset(h.tick(ctx))
	}
}

func (h *Hub) end() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = false
	close(h.changed)
	h.changed = make(chan struct{})
}

// Cursor is the position of a page that is rendered now.
func (h *Hub) Cursor() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.id(h.rev)
}

// restPerTick is how long the hub rests after a tick, as a multiple of the duration of the tick, so that rendering a
// very large swarm never uses more than a tenth of one core.
const restPerTick = 9

// maxRest bounds the rest: a tick that was delayed by a busy machine or a slow disk must not be followed by minutes in
// which a page looks live but is out of date.
const maxRest = 5 * time.Second

// tick renders every topic that has viewers, and returns how long to wait for the next tick.
func (h *Hub) tick(ctx context.Context) time.Duration {
	began := time.Now()
	items := h.cfg.Source.Tick(ctx)
	names, viewers := h.watched()
	renderings := make(map[string]rendered, len(names))
	for _, name := range names {
		l, err := h.cfg.Source.Render(ctx, name)
		if errors.Is(err, ErrGone) {
			renderings[name] = rendered{gone: true}
			continue
		}
		if err != nil {
			h.cfg.Logger.Debug("a live page cannot be rendered", "topic", name, "err", err)
			continue
		}
		if renderings[name], err = render(ctx, l); err != nil {
			h.cfg.Logger.Error("a live page cannot be rendered", "topic", name, "err", err)
			delete(renderings, name)
		}
	}
	h.apply(renderings, items)
	if viewers == 0 {
		return h.cfg.Idle
	}
	return max(h.cfg.Tick, min(restPerTick*time.Since(began), maxRest))
}

// watched lists the topics to render, and drops those that have had no viewer for a while.
func (h *Hub) watched() (names []string, viewers int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for name, t := range h.topics {
		switch {
		case t.viewers > 0:
			names = append(names, name)
		case name != "" && time.Since(t.idle) > keepIdle:
			delete(h.topics, name)
		}
	}
	return names, h.viewers
}

func (h *Hub) apply(renderings map[string]rendered, items map[string][][]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	rev, changed := h.rev+1, false
	for name, t := range h.topics {
		r, ok := renderings[name]
		if ok || len(items[name]) > 0 {
			changed = t.apply(r, items[name], rev) || changed
		}
	}
	if changed {
		h.rev = rev
		h.events = map[string][]byte{} // events of the previous revision do not contain the new changes
		close(h.changed)
		h.changed = make(chan struct{})
	}
}

func (h *Hub) id(rev uint64) string { return h.boot + "." + strconv.FormatUint(rev, 10) }

// parse reads a cursor. ours is false for a cursor of another boot, and for none.
func (h *Hub) parse(id string) (rev uint64, ours bool) {
	boot, n, _ := strings.Cut(id, ".")
	rev, err := strconv.ParseUint(n, 10, 64)
	return rev, err == nil && boot == h.boot
}
