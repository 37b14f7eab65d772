package cluster

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// quick are the times of tests. A lease is much longer than any pause of a busy machine.
var quick = timing{
	lease: 3 * time.Second, renew: 200 * time.Millisecond, report: 100 * time.Millisecond,
	gather: 5 * time.Millisecond, silent: 600 * time.Millisecond, retry: 50 * time.Millisecond,
	wait: 500 * time.Millisecond,
}

// natsServer is a NATS server with JetStream, which a test can restart.
type natsServer struct {
	t    *testing.T
	dir  string
	port int
	*server.Server
}

func startNATS(t *testing.T) *natsServer {
	t.Helper()
	n := &natsServer{t: t, dir: t.TempDir(), port: server.RANDOM_PORT}
	n.start()
	t.Cleanup(n.stop)
	return n
}

func (n *natsServer) start() {
	n.t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: n.port, JetStream: true, StoreDir: n.dir, NoSigs: true, DisableJetStreamBanner: true,
		NoLog: true,
	})
	if err != nil {
		n.t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		n.t.Fatal("NATS did not start")
	}
	n.Server, n.port = s, s.Addr().(*net.TCPAddr).Port
}

func (n *natsServer) stop() {
	n.Shutdown()
	n.WaitForShutdown()
}

func (n *natsServer) connect(t *testing.T) *nats.Conn {
	t.Helper()
	closed := make(chan struct{})
	c, err := nats.Connect("nats://127.0.0.1:"+strconv.Itoa(n.port), nats.MaxReconnects(-1),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); <-closed })
	return c
}

// node is a node in a test.
type node struct {
	*Cluster
	drivers *fakeDrivers
	rounds  *fakeRounds
	lines   *lines

	mu     sync.Mutex
	events []string
	status Status
}

// lines are what a node has logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), part)
}

func (n *node) event(e string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, e)
}

// hasRenewed reports whether a loss of the lease and a renewal were reported, one after the other.
func (n *node) hasRenewed() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, e := range n.events {
		if e != []string{"lost", "renewed"}[i%2] {
			n.events = []string{"wrong"} // it stays so
			return false
		}
	}
	return len(n.events) > 0 && len(n.events)%2 == 0
}

// prepare returns a node that has not started.
func prepare(t *testing.T, conn *nats.Conn, name, instance string) *node {
	t.Helper()
	n := &node{drivers: newFakeDrivers(name), rounds: newFakeRounds(), lines: &lines{}}
	c, err := Open(t.Context(), Config{
		Conn: conn, Self: swarm.NodeID{Name: name, Instance: instance}, Version: "0.3.0", Address: name + ":8080",
		Format: 2, Started: time.Unix(1000, 0).UTC(), timing: quick,
		Status: func() Status {
			n.mu.Lock()
			defer n.mu.Unlock()
			return n.status
		},
		OnLeaseLost:    func() { n.event("lost") },
		OnLeaseRenewed: func() { n.event("renewed") },
		Logger:         slog.New(slog.NewTextHandler(n.lines, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	n.Cluster = c
	return n
}

func run(t *testing.T, conn *nats.Conn, name, instance string) *node {
	t.Helper()
	n := prepare(t, conn, name, instance)
	if err := n.Start(t.Context(), n.drivers, n.rounds); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = n.Close(context.Background())
		n.drivers.mu.Lock()
		defer n.drivers.mu.Unlock()
		if len(n.drivers.wrong) > 0 {
			t.Errorf("%s: %q", name, n.drivers.wrong)
		}
	})
	return n
}

// crash ends a node without a word to the others.
func (n *node) crash() {
	n.leases.hold.release()
	for _, sub := range n.subs {
		_ = sub.Unsubscribe()
	}
	n.stop()
	n.verdicts.ended()
	n.wg.Wait()
	n.leases.revision = 0
}

// eventually waits for a condition. The bound is for a test that fails.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); <-time.After(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("this never came: " + what)
		}
	}
}

// knows reports whether a node has applied the drivers of another as they are.
func (n *node) knows(other *node) bool {
	want := other.drivers.all()
	n.drivers.mu.Lock()
	defer n.drivers.mu.Unlock()
	return cmp.Equal(want, n.drivers.others[other.cfg.Self], cmp.Comparer(
		func(a, b time.Duration) bool { return true })) // ages differ
}

func (n *node) hasLost() []swarm.NodeID {
	n.drivers.mu.Lock()
	defer n.drivers.mu.Unlock()
	return slices.Clone(n.drivers.lost)
}

func (n *node) isSilent() (names []string, complete bool) {
	n.drivers.mu.Lock()
	defer n.drivers.mu.Unlock()
	return n.drivers.silent, n.drivers.complete
}

func converged(nodes ...*node) bool {
	for _, a := range nodes {
		for _, b := range nodes {
			if a != b && !a.knows(b) {
				return false
			}
		}
		if silent, complete := a.isSilent(); len(silent) > 0 || !complete {
			return false
		}
	}
	return true
}

func TestNodesFindEachOther(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a.1", "x"), run(t, n.connect(t), "b:2", "x")
	want := []swarm.NodeID{a.cfg.Self, b.cfg.Self}
	for _, node := range []*node{a, b} {
		eventually(t, "both are alive", func() bool {
			node.rounds.mu.Lock()
			defer node.rounds.mu.Unlock()
			return slices.Equal(node.rounds.alive, want) && slices.Equal(node.Alive(), want)
		})
		if !node.Holds() || node.Leads() != (node == a) || node.RecordFormat() != 2 {
			t.Errorf("%s holds %t, leads %t", node.cfg.Self.Name, node.Holds(), node.Leads())
		}
	}
	b.mu.Lock()
	b.status = Status{Position: 7, Lag: 2, Drivers: 3, Draining: true}
	b.mu.Unlock()
	eventually(t, "the page of nodes", func() bool {
		nodes := a.Nodes(time.Now())
		if len(nodes) != 2 || nodes[1].RosterAge > time.Minute || nodes[1].LeaseLeft > quick.lease ||
			nodes[1].LeaseLeft < 0 {
			t.Fatalf("%+v", nodes)
		}
		nodes[1].RosterAge, nodes[1].LeaseLeft, nodes[0].LeaseLeft = 0, 0, 0
		return cmp.Equal(nodes, []swarm.Node{
			{
				NodeID: a.cfg.Self, Version: "0.3.0", Address: "a.1:8080", Self: true, Alive: true,
				StartedAt: time.Unix(1000, 0).UTC(),
			},
			{
				NodeID: b.cfg.Self, Version: "0.3.0", Address: "b:2:8080", Alive: true, Draining: true, Drivers: 3,
				Position: 7, Lag: 2, StartedAt: time.Unix(1000, 0).UTC(),
			},
		})
	})
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other has left", func() bool { return len(a.Alive()) == 1 })
	if !slices.Equal(a.hasLost(), []swarm.NodeID{b.cfg.Self}) || b.Holds() {
		t.Errorf("lost %v", a.hasLost())
	}
	again := prepare(t, n.connect(t), "b:2", "y")
	if e, ok, err := again.leases.bucket.entry(t.Context(), again.leases.key()); err != nil || ok && !e.deleted {
		t.Errorf("a successor would wait for the entry %+v: %v", e, err)
	}
	if err := again.Start(t.Context(), again.drivers, again.rounds); err != nil {
		t.Fatal(err)
	}
	defer again.Close(context.Background())
	eventually(t, "it is back", func() bool { return len(a.Alive()) == 2 })
}

func TestANameInUse(t *testing.T) {
	n := startNATS(t)
	first := run(t, n.connect(t), "a", "1")
	second := prepare(t, n.connect(t), "a", "2")
	err := second.Start(t.Context(), second.drivers, second.rounds)
	if err == nil || !strings.Contains(err.Error(), "--node-name") || !first.Holds() {
		t.Fatalf("a second server with the same name: %v", err)
	}
	if second.Holds() || second.Close(t.Context()) != nil {
		t.Error("it holds a lease")
	}
	watcher := run(t, n.connect(t), "w", "1")
	eventually(t, "they know each other", func() bool { return len(watcher.Alive()) == 2 })
	first.crash()
	if err := second.Start(t.Context(), second.drivers, second.rounds); err != nil {
		t.Fatalf("after a crash: %v", err)
	}
	defer second.Close(context.Background())
	eventually(t, "the first is lost, the second is alive", func() bool {
		return slices.Contains(watcher.hasLost(), first.cfg.Self) && slices.Contains(watcher.Alive(), second.cfg.Self)
	})
	if lost := watcher.hasLost(); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
}

// A node starts although NATS does not answer at that moment.
func TestAStartWaitsForTheLease(t *testing.T) {
	n := startNATS(t)
	node := prepare(t, n.connect(t), "a", "1")
	n.stop()
	started := make(chan error)
	go func() { started <- node.Start(t.Context(), node.drivers, node.rounds) }()
	select {
	case err := <-started:
		t.Fatalf("it did not wait: %v", err)
	case <-time.After(2 * quick.wait): // at least one attempt
	}
	n.start()
	if err := <-started; err != nil || !node.Holds() {
		t.Errorf("it does not hold its lease: %v", err)
	}
	if err := node.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestACrashedNodeIsLostOnce(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	b.drivers.join("d")
	eventually(t, "they know each other", func() bool { return converged(a, b) })
	b.crash()
	eventually(t, "the node is silent", func() bool {
		silent, _ := a.isSilent()
		return slices.Equal(silent, []string{"b"}) || len(a.hasLost()) > 0
	})
	eventually(t, "the node is lost", func() bool { return len(a.hasLost()) > 0 })
	eventually(t, "it is not silent any more", func() bool {
		silent, complete := a.isSilent()
		return len(silent) == 0 && complete
	})
	<-time.After(3 * quick.renew)
	if lost := a.hasLost(); len(lost) != 1 {
		t.Errorf("lost %v", lost)
	}
	for _, node := range a.Nodes(time.Now()) {
		if lost := node.Name == "b"; node.Alive == lost || lost && node.RosterAge < quick.lease {
			t.Errorf("%+v", node)
		}
	}
}

// The leases are in the memory of NATS, so a restart forgets them all.
func TestNobodyIsLostWhenNATSRestarts(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	a.drivers.join("d1", "d2")
	eventually(t, "they know each other", func() bool { return converged(a, b) })
	n.stop()
	eventually(t, "the leases are lost", func() bool { return !a.Holds() && !b.Holds() })
	eventually(t, "everybody is silent", func() bool {
		silent, _ := b.isSilent()
		return slices.Equal(silent, []string{"a"})
	})
	a.drivers.join("d3")
	a.drivers.leave("d1")
	n.start()
	eventually(t, "the leases are renewed", func() bool { return a.Holds() && b.Holds() })
	eventually(t, "they know each other again", func() bool { return converged(a, b) })
	for _, node := range []*node{a, b} {
		eventually(t, "the loss and the renewal are reported", node.hasRenewed)
		if lost := node.hasLost(); len(lost) > 0 {
			t.Errorf("%s has lost %v", node.cfg.Self.Name, lost)
		}
	}
}

func TestThreeNodesWithManyDrivers(t *testing.T) {
	n := startNATS(t)
	nodes := make([]*node, 3)
	for i := range nodes {
		nodes[i] = run(t, n.connect(t), fmt.Sprint("n", i), "1")
		var ids []string
		for d := range 2000 {
			ids = append(ids, fmt.Sprintf("driver-%d-%04d", i, d))
		}
		nodes[i].drivers.join(ids...)
	}
	eventually(t, "all know all drivers", func() bool { return converged(nodes...) })

	// One node misses messages. Afterwards it has everything nevertheless.
	deaf := nodes[2]
	for _, sub := range deaf.subs {
		if strings.HasSuffix(sub.Subject, ".*") {
			if err := sub.Unsubscribe(); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, node := range nodes {
		for d := range 500 {
			node.drivers.report(fmt.Sprintf("driver-%d-%04d", i, d), int64(d))
		}
		node.drivers.leave(fmt.Sprintf("driver-%d-1999", i))
		node.drivers.join(fmt.Sprintf("driver-%d-1998", i))
	}
	eventually(t, "the others are silent for it", func() bool {
		silent, _ := deaf.isSilent()
		return slices.Equal(silent, []string{"n0", "n1"})
	})
	deaf.drivers.mu.Lock()
	wholes := deaf.drivers.wholes
	deaf.drivers.mu.Unlock()
	sub, err := deaf.cfg.Conn.Subscribe(deaf.cfg.Prefix+".roster.*", deaf.takeRoster)
	if err != nil {
		t.Fatal(err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // the end of the test
	eventually(t, "all know all drivers again", func() bool { return converged(nodes...) })
	deaf.drivers.mu.Lock()
	if deaf.drivers.wholes <= wholes {
		t.Error("it needed no snapshot")
	}
	deaf.drivers.mu.Unlock()

	// A new instance begins from nothing.
	if err := nodes[0].Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	nodes[0] = run(t, n.connect(t), "n0", "2")
	nodes[0].drivers.join("only")
	eventually(t, "all know the new instance", func() bool { return converged(nodes...) })
	for _, node := range nodes[1:] {
		if lost := node.hasLost(); len(lost) != 1 || lost[0].Instance != "1" {
			t.Errorf("lost %v", lost)
		}
	}
}

func TestVerdictsReachTheOwner(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	b.rounds.notYet[9] = true
	took := func(seq, count int) func() bool {
		return func() bool {
			b.rounds.mu.Lock()
			defer b.rounds.mu.Unlock()
			for i := range count {
				if b.rounds.took[fmt.Sprintf("%d d%d", seq, i)] == 0 {
					return false
				}
			}
			return true
		}
	}
	for i := range 3000 {
		a.Send("b", acked(8, fmt.Sprint("d", i)))
		if i < 10 {
			a.Send("b", acked(9, fmt.Sprint("d", i)))
		}
	}
	eventually(t, "the verdicts of a round", took(8, 3000))
	b.rounds.mu.Lock()
	if once := slices.Collect(maps.Values(b.rounds.took)); slices.Max(once) > 1 {
		t.Error("a verdict that was confirmed came twice")
	}
	b.rounds.notYet = map[uint64]bool{}
	b.rounds.mu.Unlock()
	eventually(t, "the verdicts of a round that it did not know", took(9, 10))

	n.stop()
	for i := range 10 {
		a.Send("b", acked(10, fmt.Sprint("d", i)))
	}
	a.Send("nobody", acked(11, "d"))
	n.start()
	eventually(t, "verdicts sent while NATS was away", took(10, 10))
	a.Closed(11)
	eventually(t, "nothing waits", func() bool {
		a.verdicts.mu.Lock()
		defer a.verdicts.mu.Unlock()
		return a.verdicts.debts.count == 0
	})
}

func TestSettle(t *testing.T) {
	n := startNATS(t)
	a, b, c := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1"), run(t, n.connect(t), "c", "1")
	eventually(t, "they know each other", func() bool { return converged(a, b, c) })
	applied := make(chan bool, 2)
	for i, node := range []*node{b, c} {
		node.rounds.settle = func(context.Context) (uint64, error) {
			applied <- node.knows(a)
			return uint64(40 + i), nil
		}
	}
	a.drivers.join("retiring")
	position, err := a.SettleAll(t.Context())
	if err != nil || position != 41 {
		t.Errorf("settled at %d: %v", position, err)
	}
	for range cap(applied) {
		if !<-applied {
			t.Error("a node settled before it had applied the roster")
		}
	}
	c.rounds.settle = func(context.Context) (uint64, error) { return 0, errors.New("not now") }
	ctx, cancel := context.WithTimeout(t.Context(), 5*quick.retry)
	defer cancel()
	if _, err := a.SettleAll(ctx); err == nil || !strings.Contains(err.Error(), "node c has not settled: not now") {
		t.Errorf("a node that does not settle: %v", err)
	}
	c.crash()
	if position, err := a.SettleAll(t.Context()); err != nil || position != 40 {
		t.Errorf("after a node was lost: %d, %v", position, err)
	}
}

func TestState(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	if at, err := a.LastSession(t.Context()); err != nil || !at.IsZero() {
		t.Errorf("the last session of a new cluster: %v, %v", at, err)
	}
	late := time.Unix(2000, 5).UTC()
	b.TouchSession(late)
	eventually(t, "the time is stored", func() bool {
		at, err := a.LastSession(t.Context())
		return err == nil && at.Equal(late)
	})
	a.TouchSession(late.Add(-time.Second))
	b.TouchSession(late.Add(time.Second)) // the pause has not ended
	for _, node := range []*node{a, b} {
		if err := node.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if at, err := a.LastSession(t.Context()); err != nil || !at.Equal(late.Add(time.Second)) {
		t.Errorf("after an orderly stop: %v, %v", at, err)
	}

	secrets := make(chan string, 8)
	for i := range cap(secrets) {
		go func() {
			secret, err := []*node{a, b}[i%2].SharedSecret(t.Context(), "cookies", 32)
			secrets <- fmt.Sprintf("%x %v", secret, err)
		}()
	}
	first := <-secrets
	for range cap(secrets) - 1 {
		if other := <-secrets; other != first {
			t.Errorf("%s and %s", first, other)
		}
	}
	if len(first) < 64 || !strings.HasSuffix(first, "<nil>") || strings.HasPrefix(first, strings.Repeat("0", 64)) {
		t.Errorf("the secret is %s", first)
	}
	if _, err := a.SharedSecret(t.Context(), "cookies", 16); err == nil {
		t.Error("a secret of another length is given")
	}
	n.stop()
	n.start()
	c := prepare(t, n.connect(t), "c", "1")
	secret, err := c.SharedSecret(t.Context(), "cookies", 32)
	if err != nil || !strings.HasPrefix(first, fmt.Sprintf("%x", secret)) {
		t.Errorf("after a restart of NATS: %x, %v", secret, err)
	}
}

func TestMessagesOfStrangers(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	conn := n.connect(t)
	for _, subject := range []string{"roster.b", "snapshot.a", "verdicts.a", "settle.a"} {
		for _, message := range []string{"", "9 b 1\n?", "1 b 1\n{\"x\":1}", "1 b 1\n", "1 c 1\n{\"digest\":{}}"} {
			for range 3 {
				if err := conn.Publish("swarmcall."+subject, []byte(message)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	b.drivers.join("d")
	a.drivers.join("d")
	eventually(t, "the nodes know each other nevertheless", func() bool { return converged(a, b) })
	eventually(t, "warnings", func() bool {
		return a.lines.count("newer version of Swarmcall") > 0 && a.lines.count("that cannot be read") > 4
	})
	if newer := a.lines.count("newer version of Swarmcall"); newer != 1 {
		t.Errorf("%d warnings about one version of one node", newer)
	}
}

// A node that is stopped for longer than its lease finds that out, and begins again with the others.
func TestAPausedNode(t *testing.T) {
	n := startNATS(t)
	a, b := run(t, n.connect(t), "a", "1"), run(t, n.connect(t), "b", "1")
	a.drivers.join("d")
	eventually(t, "they know each other", func() bool { return converged(a, b) })
	a.mu.Lock() // whatever asks for its status waits: renewals, digests
	eventually(t, "its lease is over", func() bool { return !a.Holds() })
	eventually(t, "it is lost", func() bool { return len(b.hasLost()) > 0 && len(b.Alive()) == 1 })
	if !b.Leads() || a.Leads() {
		t.Error("the first living node does not lead")
	}
	a.mu.Unlock()
	eventually(t, "it is back", func() bool { return a.Holds() && a.Leads() && converged(a, b) })
	eventually(t, "the loss and the renewal are reported", a.hasRenewed)
	if lost := b.hasLost(); lost[0] != a.cfg.Self || len(a.hasLost()) > 0 {
		t.Errorf("b has lost %v, a has lost %v", lost, a.hasLost())
	}
}
