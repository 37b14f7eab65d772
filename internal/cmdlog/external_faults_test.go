package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// through returns a proxy in front of a server, and its URL for NATS.
func through(t testing.TB, s *natsServer) (*swarmtest.Proxy, string) {
	t.Helper()
	p := swarmtest.NewProxy(t)
	p.Forward(s.Addr().String())
	return p, "nats://" + strings.TrimPrefix(p.URL(), "http://")
}

// TestCutConnections: the connection of one of two nodes is cut again and again while both append. A definite answer is
// true, nothing is stored twice, and the tails of both are equal.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	s := runNATS(t)
	p, url := through(t, s)
	cut, whole := join(t, url, "cut"), join(t, s.ClientURL(), "whole")
	tails := []*collector{collect(cut), collect(whole)}
	cutting, cease := context.WithCancel(t.Context())
	var cuts sync.WaitGroup
	cuts.Go(func() {
		for n := 0; cutting.Err() == nil; n++ {
			if n%2 == 0 { // the servers receive what is sent, and the answer is lost
				p.Limit(func() (up, down int64) { return -1, 2000 + rand.Int64N(30_000) })
			} else {
				p.Limit(func() (up, down int64) { return 2000 + rand.Int64N(30_000), -1 })
			}
			select {
			case <-time.After(time.Duration(20+rand.IntN(100)) * time.Millisecond):
				p.Cut()
			case <-cutting.Done():
			}
		}
	})
	var answers answers
	var all sync.WaitGroup
	for _, l := range []*Log{cut, whole} {
		all.Go(func() { answers.appendMany(t, l, 250) })
	}
	all.Wait()
	cease()
	cuts.Wait()
	p.Limit(nil)
	for _, l := range []*Log{cut, whole} { // the present connection may still be cut
		eventually(t, "the tail at the end", func() bool { return l.CatchUp(t.Context()) == nil })
	}
	answers.check(t, whole)
	if a, b := fmt.Sprint(tailOf(tails[0].rest())), fmt.Sprint(tailOf(tails[1].rest())); !strings.HasSuffix(a, b[1:]) {
		t.Errorf("the tails differ:\n%s\n%s", a, b)
	}
	fresh := join(t, s.ClientURL(), "reader") // verifies the chains
	if fresh.Last() != whole.Last() {
		t.Errorf("a new node reads up to %d, want %d", fresh.Last(), whole.Last())
	}
}

// answers are what the callers of Append were told.
type answers struct {
	mu                       sync.Mutex
	stored, refused, unknown map[string]bool
}

// appendMany makes n appends of one to four records, and decides again after a conflict.
func (a *answers) appendMany(t *testing.T, l *Log, n int) {
	for i := range n {
		name := fmt.Sprintf("%s/%d", l.node, i)
		records := make([]swarm.Record, 1+i%4)
		for k := range records {
			r := swarmtest.Issued(name, fmt.Sprint(k))
			r.Node = l.node
			records[k] = r
		}
		err := swarm.ErrConflict
		for errors.Is(err, swarm.ErrConflict) {
			_, err = l.Append(t.Context(), l.Last(), records)
		}
		a.note(name, err)
	}
}

func (a *answers) note(name string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.stored == nil {
		a.stored, a.refused, a.unknown = map[string]bool{}, map[string]bool{}, map[string]bool{}
	}
	switch {
	case err == nil:
		a.stored[name] = true
	case strings.Contains(err.Error(), "not known whether"):
		a.unknown[name] = true
	default:
		a.refused[name] = true
	}
}

// check compares what was answered with what the log has.
func (a *answers) check(t *testing.T, l *Log) {
	t.Helper()
	p, err := l.Page(t.Context(), swarm.Query{Limit: 1 << 20, Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for i, e := range p.Entries {
		name, part := e.Issued.Submitter, e.Issued.Targets[0]
		if fmt.Sprint(found[name]) != part || part != "0" && p.Entries[i-1].Issued.Submitter != name {
			t.Errorf("record %s of %s is at %d, after %d others", part, name, e.Seq, found[name])
		}
		found[name]++
	}
	t.Logf("%d stored, %d refused, %d unknown; %d in the log", len(a.stored), len(a.refused), len(a.unknown), len(found))
	for name := range a.stored {
		if found[name] == 0 {
			t.Errorf("%s was acknowledged, and is not in the log", name)
		}
	}
	for name := range found {
		if a.refused[name] || !a.stored[name] && !a.unknown[name] {
			t.Errorf("%s was refused, and is in the log", name)
		}
	}
	if len(a.stored) == 0 {
		t.Error("nothing was stored")
	}
}

// TestARestartOfTheServer: a log waits while its server is away, and continues.
func TestARestartOfTheServer(t *testing.T) {
	s := runNATS(t, func(o *server.Options) { o.SyncAlways = true })
	l := join(t, s.ClientURL(), "a")
	c := collect(l)
	add(t, l, swarmtest.Issued("before", "x"))
	s.stop()
	eventually(t, "not ready without a server", func() bool { return l.Check(t.Context()) != nil })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := l.CatchUp(ctx); swarm.CodeOf(err) != swarm.CodeLogUnavailable {
		t.Errorf("CatchUp without a server: %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := l.Append(context.Background(), l.Last(), []swarm.Record{swarmtest.Issued("during", "x"),
			swarmtest.Issued("during", "y")})
		done <- err
	}()
	s.start(t)
	if err := <-done; err != nil || l.Last() != 4 {
		t.Fatalf("an append while the server restarted: %v; the log is at %d", err, l.Last())
	}
	c.next(t)
	if got := c.next(t); !got.Own || len(got.Records) != 2 {
		t.Errorf("passed %+v", got)
	}
	eventually(t, "ready again", func() bool { return l.Check(t.Context()) == nil })
	if e, err := l.Entry(t.Context(), 2); err != nil || e.Issued.Submitter != "before" {
		t.Errorf("%+v %v", e, err)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.After(30 * time.Second); !holds(); {
		select {
		case <-time.After(time.Millisecond):
		case <-limit:
			t.Fatalf("never: %s", what)
		}
	}
}

// mute is an engine whose answers are decided by a test.
type mute struct {
	sharedEngine
	publishes atomic.Int64
	answer    func(n int64, publish func() error) error
}

func (m *mute) publish(ctx context.Context, p parcel) error {
	return m.answer(m.publishes.Add(1), func() error { return m.sharedEngine.publish(ctx, p) })
}

func muted(l *Log, answer func(n int64, publish func() error) error) *mute {
	m := &mute{sharedEngine: l.tail.stream, answer: answer}
	l.tail.stream = m
	return m
}

// TestTheTailDecides: whatever is answered, what the tail shows counts.
func TestTheTailDecides(t *testing.T) {
	s := runNATS(t)
	first := func(err error) func(int64, func() error) error { // the first attempt is answered with err, unsent
		return func(n int64, publish func() error) error {
			if n == 1 {
				return err
			}
			return publish()
		}
	}
	lost := func(n int64, publish func() error) error { // each is sent, and no answer arrives
		return errors.Join(errUncertain, publish())
	}
	stay := func(n int64, publish func() error) error { // sent, answered as lost to an append that never shows
		if n == 1 {
			return errConflict
		}
		return publish()
	}
	n := 0
	for name, answer := range map[string]func(int64, func() error) error{
		"no answer, not sent":             first(errUncertain),
		"unavailable":                     first(errUnavailable),
		"the answers are lost":            lost,
		"lost to a record that never was": stay,
	} {
		n++
		l := join(t, s.ClientURL(), "a", inStream(fmt.Sprintf("LOG%d", n)))
		c := collect(l)
		muted(l, answer)
		for _, size := range []int{1, 3} {
			records := slices.Repeat([]swarm.Record{swarmtest.Issued("ci", "x")}, size)
			first, err := l.Append(t.Context(), l.Last(), records)
			if got := c.next(t); err != nil || got.First != first || !got.Own || len(got.Records) != size {
				t.Errorf("%s: %d %v, passed %+v", name, first, err, got)
			}
		}
		if l.Last() != 5 {
			t.Errorf("%s: the log is at %d, want 5", name, l.Last())
		}
	}
}

// TestAnAppendOfUnknownFate: after the deadline the error says so. If the append shows up later, it is passed, and not
// as this process's own.
func TestAnAppendOfUnknownFate(t *testing.T) {
	t.Parallel()
	s := runNATS(t)
	l, other := join(t, s.ClientURL(), "a"), join(t, s.ClientURL(), "b")
	c := collect(l)
	collect(other)
	var late atomic.Pointer[func() error]
	muted(l, func(_ int64, publish func() error) error {
		late.Store(&publish)
		return errUncertain
	})
	_, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci", "x")})
	if swarm.CodeOf(err) != swarm.CodeLogUnavailable || !strings.Contains(err.Error(), "not known whether") {
		t.Fatalf("append: %v", err)
	}
	m := l.tail.stream.(*mute)
	if n := m.publishes.Load(); n < 5 {
		t.Errorf("tried %d times in %v", n, appendTimeout)
	}
	p := parcel{id: fmt.Sprintf("a/%s/%d", l.tail.ids.instance, *l.tail.ids.count), after: 1}
	p, _, err = l.encode(p, []swarm.Record{swarmtest.Issued("ci", "x")}, l.heads)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.sharedEngine.publish(t.Context(), p); err != nil { // the last attempt arrives late
		t.Fatal(err)
	}
	if got := c.next(t); got.Own || got.First != 2 {
		t.Errorf("passed %+v", got)
	}
	if err := other.CatchUp(t.Context()); err != nil || other.Last() != 2 {
		t.Errorf("the other node is at %d: %v", other.Last(), err)
	}
}

// TestReadsDoNotDependOnAFollower: what a server does not know yet is read from the leader.
func TestReadsDoNotDependOnAFollower(t *testing.T) {
	servers := runCluster(t)
	l := join(t, servers[0].ClientURL(), "a", func(cfg *Shared) { cfg.Replicas = 3 })
	collect(l)
	e := l.engine.(*external)
	for range 200 {
		seq := add(t, l, swarmtest.Issued("ci", "x"))
		e.recent.mu.Lock()
		e.recent.list, e.recent.bytes = nil, 0
		e.recent.mu.Unlock()
		if got, err := l.Entry(t.Context(), seq); err != nil || got.Seq != seq {
			t.Fatalf("reading %d at once: %v", seq, err)
		}
	}
	if _, err := e.fetch(t.Context(), l.Last()+1); !errors.Is(err, jetstream.ErrMsgNotFound) {
		t.Errorf("a position after the end: %v", err)
	}
}

// TestWhatAConsumerLeavesOut: a gap is filled by the leader, if it has the records; and what arrives again must be the
// same.
func TestWhatAConsumerLeavesOut(t *testing.T) {
	s := runNATS(t)
	l := join(t, s.ClientURL(), "a")
	c := collect(l)
	add(t, l, swarmtest.Issued("ci", "x"))
	add(t, l, swarmtest.Issued("ci", "y"), swarmtest.Issued("ci", "z"))
	c.rest()
	e := l.engine.(*external)
	last, err := e.ask(t.Context(), 4)
	if err != nil || last.pos != 4 || last.records != 2 || !strings.HasSuffix(last.id, "/3") {
		t.Fatalf("the last record: %+v %v", last, err)
	}
	reader, next := &external{at: e.at}, uint64(2)
	var got []message
	take := func(m message) error { got = append(got, m); return nil }
	if err := reader.arrived(t.Context(), last, &next, take); err != nil || len(got) != 3 || next != 5 {
		t.Fatalf("%d messages up to %d: %v", len(got), next, err)
	}
	for i, m := range got {
		if m.pos != uint64(i)+2 || m.id == "" || len(m.data) == 0 {
			t.Errorf("message %d is %+v", i, m)
		}
	}
	if err := reader.arrived(t.Context(), got[1], &next, take); err != nil || len(got) != 3 {
		t.Errorf("the same record again: %v", err)
	}
	other := message{pos: 3, data: []byte("other")}
	if err := reader.arrived(t.Context(), other, &next, take); err == nil || !strings.Contains(err.Error(), "another") {
		t.Errorf("another record at a position that was read: %v", err)
	}
	var lost *lostError
	if err := reader.arrived(t.Context(), message{pos: 9}, &next, take); !errors.As(err, &lost) ||
		!strings.Contains(err.Error(), "no record at position 5") {
		t.Errorf("a gap that the leader has as well: %v", err)
	}
}

// TestARaisedEpochOfASharedLog: all nodes take the new name from the log.
func TestARaisedEpochOfASharedLog(t *testing.T) {
	s := runNATS(t)
	a, b := join(t, s.ClientURL(), "a"), join(t, s.ClientURL(), "b")
	collect(a)
	collect(b)
	add(t, a, a.NextEpoch("entries were lost"))
	if err := b.CatchUp(t.Context()); err != nil || b.ID() != a.ID() || !strings.HasSuffix(b.ID(), ".2") {
		t.Errorf("%v: %s and %s", err, a.ID(), b.ID())
	}
}

// TestALeaderThatStops: the log continues under the next leader, and what was acknowledged is there.
func TestALeaderThatStops(t *testing.T) {
	servers := runCluster(t)
	var urls []string
	for _, s := range servers {
		urls = append(urls, s.ClientURL())
	}
	l := join(t, strings.Join(urls, ","), "a", func(cfg *Shared) { cfg.Replicas = 3 })
	collect(l)
	var answers answers
	answers.appendMany(t, l, 20)
	info, err := l.engine.(*external).at.Stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		if s.Name() == info.Cluster.Leader {
			s.stop()
		}
	}
	l.node = "b" // names of the second half
	answers.appendMany(t, l, 20)
	if err := l.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	answers.check(t, l)
	if len(answers.stored) < 30 {
		t.Errorf("%d of 40 appends were stored", len(answers.stored))
	}
}

// TestCallsShareRequests: a call gets the answer to a request that was sent after it began, and calls that wait at the
// same time share one.
func TestCallsShareRequests(t *testing.T) {
	var running sync.WaitGroup
	var asked atomic.Uint64
	gate := make(chan struct{})
	e := &ends{running: &running, ask: func() (state, error) {
		n := asked.Add(1)
		<-gate
		return state{last: n}, nil
	}}
	got := make(chan uint64)
	call := func() {
		s, err := e.get(t.Context())
		if err != nil {
			t.Error(err)
		}
		got <- s.last
	}
	go call()
	eventually(t, "a request", func() bool { return asked.Load() > 0 })
	for range 10 {
		go call()
	}
	eventually(t, "a call that waits", func() bool {
		e.mu.Lock()
		defer e.mu.Unlock()
		return e.waiting != nil
	})
	close(gate)
	counts := map[uint64]int{}
	for range 11 {
		counts[<-got]++
	}
	running.Wait()
	if counts[1] != 1 || asked.Load() > 11 || counts[2] == 0 {
		t.Errorf("answers of requests %v, asked %d times", counts, asked.Load())
	}
}

// TestASharedLogMachine runs the same steps, including new nodes and restarts of the server, on a shared log and a
// model.
func TestASharedLogMachine(t *testing.T) {
	s := runNATS(t)
	var n atomic.Int64
	checksOf(t, "10")
	rapid.Check(t, func(r *rapid.T) {
		in := inStream(fmt.Sprintf("LOG%d", n.Add(1)))
		m := &sharedMachine{machine: machine{}, t: t, url: s.ClientURL(), in: in}
		m.Restart(r)
		defer func() { _ = m.log.Close(context.Background()) }()
		_, _ = m.model.Append(context.Background(), 0, []swarm.Record{&swarm.Reset{Cause: "new log"}})
		actions := rapid.StateMachineActions(m)
		r.Repeat(actions)
	})
}

type sharedMachine struct {
	machine
	t   *testing.T
	url string
	in  func(*Shared)
}

// Restart replaces the node by another one.
func (m *sharedMachine) Restart(t *rapid.T) {
	if m.log != nil {
		if err := m.log.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	replayed := uint64(0)
	l, err := tryJoin(m.t, m.url, "test", m.in, func(cfg *Shared) {
		cfg.Replay = func(uint64, swarm.Record) { replayed++ }
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := max(1, m.model.Last()); replayed != want {
		t.Fatalf("%d records were replayed, want %d", replayed, want)
	}
	l.Notify(func(swarm.Appended) {})
	m.log = l
}
