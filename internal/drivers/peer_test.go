package drivers

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sinkLog records what the registry reports.
type sinkLog struct {
	mu     sync.Mutex
	events []string

	onRegress func()
	onReport  func() // called with each report of a lost driver, and each request for a reset
	onExpire  func(*swarm.Expired)
}

// expiring calls f with each rule that expires.
func (s *sinkLog) expiring(f func(*swarm.Expired)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onExpire = f
}

func (s *sinkLog) add(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, event)
}

// count returns how many events of a kind there were.
func (s *sinkLog) count(kind string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.events {
		if strings.HasPrefix(e, `["`+kind+`"`) {
			n++
		}
	}
	return n
}

// only returns the events of a kind.
func (s *sinkLog) only(kind string) []string {
	return slices.DeleteFunc(s.all(), func(e string) bool { return !strings.HasPrefix(e, `["`+kind+`"`) })
}

func (s *sinkLog) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.events)
}

func (s *sinkLog) Ack(id string, seq uint64, r swarm.Reply) (time.Duration, bool) {
	word := "applied"
	if !r.Applied {
		word = "rejected " + r.Code
	}
	s.add(text("ack", id, seq, word))
	return time.Millisecond, true
}
func (s *sinkLog) Disconnected(id string, reason swarm.Reason, _ uint64) {
	s.add(text("disconnected", id, reason))
	if s.onReport != nil {
		s.onReport()
	}
}

func (s *sinkLog) handover(seq uint64, h swarm.Handover) {
	for _, id := range h.Undelivered {
		s.add(text("undelivered", id, seq))
	}
	for _, u := range h.Superseded {
		s.add(text("superseded", u.DriverID, u.Seq))
	}
}

func (s *sinkLog) Resplit(seq uint64, change string, ids []string) {
	s.add(text("resplit", seq, change, ids))
}
func (s *sinkLog) Expire(list []*swarm.Expired) {
	for _, e := range list {
		s.add(text("expire", e.Replaced, e.Target.DriverIDs, e.Target.Labels))
		s.mu.Lock()
		then := s.onExpire
		s.mu.Unlock()
		if then != nil {
			then(e)
		}
	}
}
func (s *sinkLog) shortened(id, _ string, seq uint64) {
	s.add(text("regressed", id, seq))
	if s.onRegress != nil {
		s.onRegress()
	}
}
func (s *sinkLog) Reset(cause string) {
	s.add(text("reset", cause))
	if s.onReport != nil {
		s.onReport()
	}
}

func text(words ...any) string {
	b, _ := json.Marshal(words)
	return string(b)
}

// active returns the drivers that a query selects and that can answer now.
func (w *world) active(t swarm.Target) []swarm.Member {
	members := w.r.Members(swarm.TargetQuery{Target: t}).Members
	return slices.DeleteFunc(members, func(m swarm.Member) bool { return m.Lost != "" })
}

// lost returns why a driver cannot answer now, "" if it can.
func (w *world) lost(id string) swarm.Reason {
	w.t.Helper()
	members := w.r.Members(swarm.TargetQuery{Target: swarm.Target{DriverIDs: []string{id}}}).Members
	if len(members) != 1 {
		w.t.Fatalf("%s is not known", id)
	}
	return members[0].Lost
}

// world is a registry on a network in memory, in a bubble of fake time.
type world struct {
	t    *testing.T
	r    *Registry
	sink *sinkLog
	net  *swarmtest.Network
	who  atomic.Pointer[swarm.Principal] // whose credential the next peers have

	stopSweeper func()
}

// inWorld runs test in a bubble with a registry of the default timing.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	inWorldWith(t, func(*Config) {}, test)
}

// inWorldWith is inWorld with another timing.
func inWorldWith(t *testing.T, change func(*Config), test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := openWorld(t, change)
		defer w.close()
		test(w)
	})
}

// openWorld returns a world; the caller is in a bubble, and closes it.
func openWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	sink := &sinkLog{}
	cfg := Config{
		HeartbeatInterval: time.Second, StaleAfter: 3 * time.Second, ForgetAfter: 10 * time.Minute,
		LeaseTTL: time.Minute, OnLeaseLost: OnLeaseLostStop, Past: Past{LogID: "log.1", LastSeq: 1},
		OnLogShortened: sink.shortened,
	}
	change(&cfg)
	r, err := New(cfg, sink, sink)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	swept := make(chan struct{})
	go func() {
		defer close(swept)
		r.Run(ctx)
	}()
	w := &world{t: t, r: r, sink: sink, stopSweeper: func() {
		cancel()
		<-swept
	}}
	sockets := r.Handler(func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, err.Error(), http.StatusBadRequest)
	})
	w.who.Store(&swarm.Principal{})
	w.net = swarmtest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		sockets.ServeHTTP(rw, req.WithContext(swarm.WithPrincipal(req.Context(), *w.who.Load())))
	}))
	return w
}

func (w *world) close() {
	ended, cut := context.WithTimeout(context.Background(), time.Second)
	defer cut()
	w.r.Shutdown(ended)
	w.stopSweeper()
}

// issue offers a command, and records the result with the events of the registry.
func (w *world) issue(i swarm.Issue) { w.sink.handover(i.Seq, w.r.Offer(i)) }

// offer offers a command, targeted at ids.
func (w *world) offer(seq uint64, c swarm.Command, ids ...string) {
	w.issue(swarm.Issue{Seq: seq, Command: c, Targets: ids, Deadline: 2 * time.Second})
}

// offerTo offers a command without fixed targets.
func (w *world) offerTo(seq uint64, c swarm.Command, t swarm.Target) {
	w.issue(swarm.Issue{Seq: seq, Submitter: "ci", Command: c, Target: t, Deadline: 2 * time.Second})
}

// command reads the next command.
func (p *peer) command() (c wire.CommandFrame) {
	p.t.Helper()
	p.receive(&c)
	return c
}

// peer is a driver at the level of frames.
type peer struct {
	*bare.Driver

	t  *testing.T
	ws *websocket.Conn
}

func (w *world) dial() *peer {
	w.t.Helper()
	d := bare.Dial(w.t, "ws://127.0.0.1", w.net.Client())
	return &peer{Driver: d, t: w.t, ws: d.Conn}
}

// join dials and registers; more are further members of the register frame, each with a leading comma.
func (w *world) join(id, more string) (*peer, wire.Registered) {
	w.t.Helper()
	p := w.dial()
	p.send(`{"type":"register","driver_id":"` + id + `"` + more + `}`)
	var reg wire.Registered
	p.receive(&reg)
	if reg.Type != wire.TypeRegistered {
		w.t.Fatalf("got %+v, want registered", reg)
	}
	return p, reg
}

func (p *peer) send(frame string) { p.t.Helper(); p.Send(frame) }
func (p *peer) receive(into any)  { p.t.Helper(); p.Receive(into) }

// closed reads until the server closes, and returns the close code and the types of the frames before it.
func (p *peer) closed() (websocket.StatusCode, []string) { p.t.Helper(); return p.Closed() }
