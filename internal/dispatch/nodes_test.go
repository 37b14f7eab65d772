package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// nodes are dispatchers of several nodes on one log, in a bubble of fake time. Each reads the log after a random delay,
// and verdicts travel as long.
type nodes struct {
	t   *testing.T
	log swarmtest.MemLog

	mu      sync.Mutex
	grown   sync.Cond
	rand    *rand.Rand
	all     []*node
	drivers map[string]*nodeDriver
	seed    uint64
	issuing map[uint64]bool // seqs of commands that Submit has returned
	victim  *node           // that fails, so that its drivers may be missing
	running sync.WaitGroup
	over    bool
}

// node is one of them. It implements the ports of its dispatcher.
type node struct {
	*nodes
	name string
	d    *Dispatcher
	ran  chan struct{}

	read    uint64 // position that its tail has passed on
	appends []span // of its own appends that it waits for
	paused  bool   // it reads nothing, and its appends fail
	dead    bool   // the same, for ever
	expired bool   // its lease
	desired swarm.Desired
	folded  uint64
	closed  map[uint64]bool
}

type span struct{ first, last uint64 }

// nodeDriver is a driver that is connected to a node.
type nodeDriver struct {
	id      string
	home    *node
	lost    bool
	applied []uint64
}

func newNodes(t *testing.T, seed uint64, names ...string) *nodes {
	n := &nodes{
		t: t, rand: rand.New(rand.NewPCG(seed, 0)), drivers: map[string]*nodeDriver{}, issuing: map[uint64]bool{},
		seed: seed,
	}
	n.grown.L = &n.mu
	for _, name := range names {
		one := &node{nodes: n, name: name, ran: make(chan struct{}), closed: map[uint64]bool{}}
		one.d = New(Config{Log: one, Node: name, Peers: one, Holds: one.holds})
		one.d.Bind(one, one, one)
		n.all = append(n.all, one)
		go func() { defer close(one.ran); one.d.Run() }()
		n.running.Go(one.tail)
	}
	return n
}

func (n *nodes) random(most int) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.rand.IntN(most)
}

// delay is a few milliseconds, seldom many; never zero, see swarmtest.Advance.
func (n *nodes) delay() time.Duration {
	if n.random(20) == 0 {
		return time.Duration(1+n.random(400)) * time.Millisecond
	}
	return time.Duration(1+n.random(6)) * time.Millisecond
}

func (n *nodes) join(id string, home *node) *nodeDriver {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := &nodeDriver{id: id, home: home}
	n.drivers[id] = d
	return d
}

// Append implements Log.
func (n *node) Append(_ context.Context, after uint64, records []swarm.Record) (uint64, error) {
	<-time.After(n.delay())
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.paused || n.dead {
		return 0, errors.New("no connection to the log")
	}
	if after != n.log.Last() {
		for end := n.log.Last(); n.read < end && !n.dead && !n.over; {
			n.grown.Wait()
		}
		return 0, swarm.ErrConflict
	}
	first := n.log.Add(records...)
	mine := span{first, first + uint64(len(records)) - 1}
	n.appends = append(n.appends, mine)
	n.grown.Broadcast()
	for n.read < mine.last && !n.dead && !n.over {
		n.grown.Wait()
	}
	if n.read < mine.last {
		return 0, errors.New("the answer was lost")
	}
	return first, nil
}

func (n *node) holds() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.expired
}

// Last implements Log.
func (n *node) Last() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.read
}

// Entry implements Log.
func (n *node) Entry(ctx context.Context, seq uint64) (swarm.Entry, error) {
	return n.log.Entry(ctx, seq)
}

// tail passes the records on, each append as a whole.
func (n *node) tail() {
	for {
		n.mu.Lock()
		for !n.over && !n.dead && (n.paused || n.read >= n.log.Last()) {
			n.grown.Wait()
		}
		if n.over || n.dead {
			n.grown.Broadcast()
			n.mu.Unlock()
			return
		}
		a := swarm.Appended{First: n.read + 1, Records: n.log.Records()[n.read : n.read+1]}
		for _, s := range n.appends {
			if s.first == a.First {
				a.Records, a.Own = n.log.Records()[s.first-1:s.last], true
			}
		}
		n.mu.Unlock()
		<-time.After(n.delay())
		n.d.Take(a)
		n.mu.Lock()
		n.read = a.Last()
		n.grown.Broadcast()
		n.mu.Unlock()
	}
}

// Members implements Drivers: every node knows all drivers.
func (n *node) Members(q swarm.TargetQuery) (out swarm.Targeted) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.drivers {
		if !q.Target.Matches(d.id, nil) {
			continue
		}
		m := swarm.Member{DriverID: d.id, Away: d.home != n}
		if d.lost {
			m.Lost = swarm.ReasonDisconnected
		}
		out.Members = append(out.Members, m)
	}
	slices.SortFunc(out.Members, func(a, b swarm.Member) int { return cmp.Compare(a.DriverID, b.DriverID) })
	out.Awaited = len(out.Members) > 0
	return out
}

func (n *node) Reach(swarm.Target) swarm.Reach { return swarm.Reach{} }
func (n *node) DeadlineMissed([]string)        {}
func (n *node) Settled()                       {}

// Offer implements Delivery: the drivers of this node apply the command, and answer it after a while.
func (n *node) Offer(i swarm.Issue) (out swarm.Handover) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.desired.Issue(i)
	n.folded = i.Seq
	for _, id := range slices.Sorted(maps.Keys(n.drivers)) {
		d := n.drivers[id]
		_, target := slices.BinarySearch(i.Targets, id)
		switch {
		case d.home == n && !d.lost && i.Target.Matches(id, nil):
			d.applied = append(d.applied, i.Seq)
			n.running.Go(func() { n.ack(d, i.Seq) })
		case target && d.lost && (d.home == n || !i.Foreign):
			out.Undelivered = append(out.Undelivered, id)
		}
	}
	return out
}

func (n *node) ack(d *nodeDriver, seq uint64) {
	<-time.After(n.delay())
	n.mu.Lock()
	gone := d.lost || n.dead
	n.mu.Unlock()
	if !gone {
		n.d.Ack(d.id, seq, swarm.Reply{Applied: true})
	}
}

func (n *node) Reset(seq uint64) []swarm.Unsent {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.desired.Reset(seq)
	n.folded = seq
	return nil
}

func (n *node) Expire(seq uint64, e *swarm.Expired) []swarm.Unsent {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.desired.Expire(seq, e)
	n.folded = seq
	return nil
}

func (n *node) NewestLoad(t swarm.Target) (newest uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for id := range n.drivers {
		if t.Matches(id, nil) {
			newest = max(newest, n.desired.NewestLoad(id, nil))
		}
	}
	return newest
}

func (n *node) Base(seq uint64, submitter string) (uint64, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.desired.Base(seq, submitter)
}

// Send implements Peers.
func (n *node) Send(owner string, v swarm.NodeVerdict) {
	n.running.Go(func() {
		for n.sending(v.Seq) {
			<-time.After(n.delay())
			if to := n.named(owner); to != nil && len(to.d.Verdicts([]swarm.NodeVerdict{v})) == 0 {
				return
			}
			<-time.After(250 * time.Millisecond)
		}
	})
}

func (n *node) sending(seq uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.closed[seq] && !n.dead && !n.over
}

// Closed implements Peers.
func (n *node) Closed(seq uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed[seq] = true
}

// named returns a node that can be reached.
func (n *nodes) named(name string) *node {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.all {
		if one.name == name && !one.paused && !one.dead {
			return one
		}
	}
	return nil
}

func (n *nodes) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	n.grown.Broadcast()
}

// kill ends a node as kill -9 does; its lease expires five seconds later.
func (n *nodes) kill(victim *node) {
	n.set(func() { victim.dead = true })
	<-time.After(5 * time.Second)
	n.set(func() {
		for _, d := range n.drivers {
			d.lost = d.lost || d.home == victim
		}
	})
	for _, one := range n.all {
		for id, d := range n.drivers {
			if d.home == victim && one != victim {
				one.d.Disconnected(id, swarm.ReasonNodeLost, 1<<62)
			}
		}
	}
	n.tellAlive()
}

// pause makes a node unreachable, as a partition does. After five seconds its lease has expired.
func (n *nodes) pause(victim *node, length time.Duration) {
	n.set(func() { victim.paused = true })
	<-time.After(length)
	if length > 5*time.Second {
		n.set(func() { victim.expired = true })
		n.tellAlive()
		<-time.After(n.delay())
	}
	n.set(func() { victim.paused = false })
	<-time.After(n.delay())
	if length > 5*time.Second {
		victim.d.LeaseLost()
	}
	n.set(func() { victim.expired = false })
	n.tellAlive()
}

// outage lets all leases expire at the same time, as when NATS is away. No node sees another one lost. Afterwards each
// node hears once a second who is alive.
func (n *nodes) outage() {
	for _, lost := range []bool{true, false} {
		n.set(func() {
			for _, one := range n.all {
				one.expired = lost
			}
		})
		for _, one := range n.all {
			one.d.LeaseLost()
		}
		<-time.After(time.Second)
	}
	for range 30 {
		n.tellAlive()
		<-time.After(time.Second)
	}
}

// tellAlive tells the nodes that can be reached which they are.
func (n *nodes) tellAlive() {
	var alive []string
	for _, one := range n.all {
		if n.named(one.name) != nil {
			alive = append(alive, one.name)
		}
	}
	for _, one := range n.all {
		if n.named(one.name) != nil {
			one.d.Owners(alive)
		}
	}
}

func (n *nodes) end() {
	n.set(func() { n.over = true })
	for _, one := range n.all {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		one.d.Shutdown(over, over)
		<-one.ran
	}
	n.running.Wait()
}

// settled returns the log once every entry has its outcome.
func (n *nodes) settled() []swarm.Entry {
	for {
		open, _ := n.log.Unclosed(context.Background())
		if len(open) == 0 {
			return n.log.Entries()
		}
		<-time.After(10 * time.Millisecond)
	}
}

// check looks for what no history may have.
func (n *nodes) check() {
	outcomes := map[uint64]int{}
	lates := map[string]int{}
	for _, r := range n.log.Records() {
		switch r := r.(type) {
		case *swarm.Closed:
			outcomes[r.Seq]++
		case *swarm.Late:
			for _, ack := range r.Acks {
				lates[fmt.Sprint(r.Seq, ack.DriverID)]++
			}
		}
	}
	for what, times := range lates {
		if times > 1 {
			n.t.Errorf("late answer %s was written %d times", what, times)
		}
	}
	for _, e := range n.settled() {
		if outcomes[e.Seq] != 1 {
			n.t.Errorf("command %d has %d outcomes", e.Seq, outcomes[e.Seq])
		}
		for i, v := range e.Closed.Verdicts {
			d := n.drivers[e.Issued.Targets[i]]
			if v.Kind == swarm.Acked && !slices.Contains(d.applied, e.Seq) {
				n.t.Errorf("%s acked %d, which it has not applied", d.id, e.Seq)
			}
			if v.Kind != swarm.Acked && d.home != n.victim {
				n.t.Errorf("seed %d: %s of node %s answered %d of %s in time, and its verdict is %+v", n.seed, d.id,
					d.home.name, e.Seq, e.Issued.Node, v)
			}
		}
	}
	for id, d := range n.drivers {
		if !slices.IsSorted(d.applied) || len(slices.Compact(slices.Clone(d.applied))) != len(d.applied) {
			n.t.Errorf("%s applied %v", id, d.applied)
		}
	}
	for seq := range n.issuing {
		if outcomes[seq] == 0 {
			n.t.Errorf("command %d was acknowledged and is not in the log", seq)
		}
	}
}

func inNodes(t *testing.T, seed uint64, test func(n *nodes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := newNodes(t, seed, "a", "b", "c")
		for i := range 9 {
			n.join(fmt.Sprintf("d-%d", i), n.all[i%3])
		}
		test(n)
		n.settled()
		n.check()
		n.end()
	})
}

func players(n int64, deadline time.Duration) swarm.Submission {
	return swarm.Submission{
		Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers, Value: n}, Deadline: deadline,
	}
}

// TestOneOrderOverAllNodes: submitters on three nodes; every driver applies every command, in the order of the log.
func TestOneOrderOverAllNodes(t *testing.T) {
	for seed := range uint64(10) {
		inNodes(t, seed, func(n *nodes) {
			var submitters sync.WaitGroup
			for i := range 12 {
				submitters.Go(func() {
					for k := range 5 {
						e, err := n.submit(n.all[i%3], players(int64(k), 10*time.Second))
						if err != nil || e.Counts().Acked != 9 {
							t.Errorf("submitter %d: %+v %v", i, e.Counts(), err)
						}
					}
				})
			}
			submitters.Wait()
			for id, d := range n.drivers {
				if len(d.applied) != 60 {
					t.Errorf("%s applied %d commands, want 60", id, len(d.applied))
				}
			}
		})
	}
}

func (n *nodes) submit(to *node, s swarm.Submission) (swarm.Entry, error) {
	call, err := to.d.Submit(context.Background(), s)
	if err != nil {
		return swarm.Entry{}, err
	}
	n.set(func() { n.issuing[call.Seq()] = true })
	return call.Wait(context.Background())
}

// TestOneWinnerOverAllNodes: of many commands with the same if_seq, and of many with one key, one is issued.
func TestOneWinnerOverAllNodes(t *testing.T) {
	for seed := range uint64(10) {
		inNodes(t, seed, func(n *nodes) {
			first, err := n.submit(n.all[0], players(1, 10*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			n.read(first.Seq)
			var submitters sync.WaitGroup
			var mu sync.Mutex
			won, keyed := 0, map[uint64]bool{}
			for i := range 12 {
				submitters.Go(func() {
					s := players(2, 10*time.Second)
					s.Submitter, s.IfSeq = fmt.Sprintf("s-%d", i), &first.Seq
					_, err := n.submit(n.all[i%3], s)
					if code := swarm.CodeOf(err); err != nil && code != swarm.CodeNewerCommand {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						won++
					}
				})
				submitters.Go(func() {
					s := players(3, 10*time.Second)
					s.Key, s.RequestHash = "k", make([]byte, 32)
					e, err := n.submit(n.all[i%3], s)
					if err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					keyed[e.Seq] = true
				})
			}
			submitters.Wait()
			if won > 1 || len(keyed) != 1 {
				t.Errorf("%d commands with one if_seq were issued, and %d with one key", won, len(keyed))
			}
		})
	}
}

// read waits until every node has read a position.
func (n *nodes) read(pos uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, one := range n.all {
		for one.read < pos && !one.dead && !one.paused {
			n.grown.Wait()
		}
	}
}

// TestAllLeasesExpire lets the leases of all nodes expire while commands are open: every entry gets its outcome.
func TestAllLeasesExpire(t *testing.T) {
	for seed := range uint64(10) {
		inNodes(t, seed, func(n *nodes) {
			var work sync.WaitGroup
			for i := range 9 {
				work.Go(func() {
					<-time.After(time.Duration(n.random(20)) * time.Millisecond)
					_, err := n.submit(n.all[i%3], players(int64(i), 3*time.Second))
					code := swarm.CodeOf(err)
					if err != nil && code != swarm.CodeLogUnavailable && code != swarm.CodeOutcomeNotRecorded {
						t.Error(err)
					}
				})
			}
			n.victim = n.all[0] // its drivers, like all others, may be missing
			<-time.After(time.Duration(n.random(20)) * time.Millisecond)
			n.outage()
			work.Wait()
		})
	}
}

// TestNodesFail kills and pauses nodes at any moment: no acknowledged command is lost, every entry gets one outcome, and
// drivers of living nodes that answered in time have acked.
func TestNodesFail(t *testing.T) {
	for seed := range uint64(30) {
		inNodes(t, seed, func(n *nodes) {
			var work sync.WaitGroup
			for i := range 9 {
				work.Go(func() {
					for k := range 4 {
						swarmtest.Advance(time.Duration(n.random(50)) * time.Millisecond)
						to := n.all[i%3]
						_, err := n.submit(to, players(int64(k), 3*time.Second))
						code := swarm.CodeOf(err) // a node that was paused may find the outcome too late
						if err != nil && n.named(to.name) == to && code != swarm.CodeLogUnavailable &&
							code != swarm.CodeOutcomeNotRecorded {
							t.Errorf("to %s: %v", to.name, err)
						}
					}
				})
			}
			victim := n.all[n.random(3)]
			n.victim = victim
			swarmtest.Advance(time.Duration(n.random(100)) * time.Millisecond)
			switch seed % 3 {
			case 0:
				n.kill(victim)
			case 1:
				n.pause(victim, time.Second)
			case 2:
				n.pause(victim, 6*time.Second)
			}
			work.Wait()
		})
	}
}
