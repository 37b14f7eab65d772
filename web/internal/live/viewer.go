package live

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"time"
)

// viewer is one stream. Its only state is a position in the log of changes.
type viewer struct {
	hub    *Hub
	topics []*topic
	cursor uint64
	fresh  map[*topic]bool // topics to be sent completely, once they are rendered
	gaps   []gap           // the last result of next; kept to reuse its memory
	w      http.ResponseWriter
	rc     *http.ResponseController
}

// ServeHTTP streams ?topic=…&topic=… from the position in Last-Event-ID, or ?after. A topic that is also named by
// ?fresh=… is sent completely: a page that was just loaded shows a state between two revisions.
func (h *Hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	names := r.URL.Query()["topic"]
	v := &viewer{hub: h, w: w, rc: http.NewResponseController(w)}
	if status, why := v.join(names); why != "" {
		w.Header().Set("Retry-After", "5")
		http.Error(w, why, status)
		return
	}
	defer v.leave()
	after := r.Header.Get("Last-Event-ID")
	if after == "" {
		after = r.URL.Query().Get("after")
	}
	head := w.Header()
	head.Set("Content-Type", "text/event-stream")
	head.Set("Cache-Control", "no-store")
	head.Set("X-Accel-Buffering", "no") // otherwise nginx buffers it
	if r.Method == http.MethodHead {
		return
	}
	if !v.resumes(r) {
		v.wantFresh(r.URL.Query()["fresh"])
	}
	who := ""
	if h.cfg.Visitor != nil {
		who = h.cfg.Visitor(r)
	}
	h.cfg.Meter.StreamOpened()
	err := v.hello(after, who)
	if err == nil {
		err = v.follow(r.Context().Done())
	}
	h.cfg.Meter.StreamClosed(errors.Is(err, os.ErrDeadlineExceeded))
}

// join subscribes, or returns why it cannot.
func (v *viewer) join(names []string) (status int, why string) {
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxPerViewer || slices.ContainsFunc(names, func(n string) bool { return !v.hub.cfg.Valid(n) }) {
		return http.StatusBadRequest, "not topics of this server"
	}
	h := v.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.running || h.viewers >= h.cfg.MaxViewers || len(h.topics)+len(names) > maxTopics {
		return http.StatusServiceUnavailable, "live updates are not available at the moment"
	}
	for _, name := range append(names, "") {
		t := h.topics[name]
		if t == nil {
			t = newTopic(name)
			h.topics[name] = t
		}
		t.viewers++
		v.topics = append(v.topics, t)
	}
	h.viewers++
	if h.viewers == 1 {
		select {
		case h.kick <- struct{}{}:
		default: // it is already awake
		}
	}
	return 0, ""
}

func (v *viewer) leave() {
	v.hub.mu.Lock()
	defer v.hub.mu.Unlock()
	v.hub.viewers--
	for _, t := range v.topics {
		if t.viewers--; t.viewers == 0 {
			t.idle = time.Now()
		}
	}
}

func (v *viewer) resumes(r *http.Request) bool {
	_, ours := v.hub.parse(r.Header.Get("Last-Event-ID"))
	return ours
}

func (v *viewer) wantFresh(names []string) {
	v.fresh = map[*topic]bool{}
	for _, t := range v.topics {
		if slices.Contains(names, t.name) || t.name == "" {
			v.fresh[t] = true
		}
	}
}

// hello sends the build and who the visitor is, and a reset if the page must be loaded again.
func (v *viewer) hello(after, who string) error {
	rev, ours := v.hub.parse(after)
	if ours {
		v.cursor = rev
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "retry: 1000\nevent: hello\ndata: {\"build\":%q,\"who\":%q}\n\n", v.hub.cfg.Build, who)
	if after != "" && !ours {
		b.WriteString("event: reset\ndata: {\"why\":\"restart\"}\n\n")
	}
	return v.write(b.Bytes())
}

// crowd is the number of viewers above which they are not all woken at the same moment.
const crowd = 64

// follow sends changes until the viewer disconnects or the hub ends, or returns why a write failed. Many viewers neither wake nor write at the same
// moment: each one checks at its own random times, so that no burst ever delays commands.
func (v *viewer) follow(gone <-chan struct{}) error {
	beat := time.NewTimer(v.hub.cfg.Beat)
	defer beat.Stop()
	look := time.NewTimer(time.Hour)
	defer look.Stop()
	for {
		event, changed, crowded := v.next()
		if event == nil {
			if crowded {
				changed = nil
				look.Reset(v.hub.cfg.Tick/2 + rand.N(v.hub.cfg.Tick)) //nolint:gosec // spreads load; not a secret
			}
			select {
			case <-gone:
				return nil
			case <-changed:
			case <-look.C:
			case <-beat.C:
				event = v.beat()
			}
			if !v.hub.alive() {
				return nil
			}
		}
		if event == nil {
			continue // the change does not concern this viewer's pages; its beat stays due
		}
		if err := v.write(event); err != nil {
			return err
		}
		beat.Reset(v.hub.cfg.Beat)
	}
}

// next returns the events since the cursor and advances it, or returns how to wait for events.
func (v *viewer) next() (event []byte, changed <-chan struct{}, crowded bool) {
	h := v.hub
	h.mu.Lock()
	defer h.mu.Unlock()
	v.collectGaps()
	v.cursor = h.rev
	if len(v.gaps) > 0 {
		event = h.eventFor(v.gaps)
	}
	return event, h.changed, h.viewers > crowd
}

// collectGaps collects the gaps between the viewer and the present revision. The hub must be locked.
func (v *viewer) collectGaps() {
	v.gaps = v.gaps[:0]
	for _, t := range v.topics {
		from := v.cursor
		if v.fresh[t] && t.filled() {
			from = 0
			delete(v.fresh, t)
		}
		if from != v.hub.rev {
			v.gaps = append(v.gaps, gap{t, from})
		}
	}
}

func (v *viewer) beat() []byte {
	return fmt.Appendf(nil, "id: %s\nevent: beat\ndata: {\"now\":%d}\n\n", v.hub.id(v.cursor), time.Now().UnixMilli())
}

func (h *Hub) alive() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running
}

// write gives each write its own deadline: a viewer that never reads is disconnected, and delays no other.
func (v *viewer) write(b []byte) error {
	if err := v.rc.SetWriteDeadline(time.Now().Add(v.hub.cfg.WriteLimit)); err != nil {
		return err
	}
	if _, err := v.w.Write(b); err != nil {
		return err
	}
	return v.rc.Flush()
}
