package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// fakeDrivers are the drivers of a node in a test, and what it was told about those of the others.
type fakeDrivers struct {
	node    string
	changed chan struct{}

	mu       sync.Mutex
	revision uint64
	sessions int
	own      map[string]owned
	left     []departedAt
	others   map[swarm.NodeID]map[string]swarm.Presence
	reached  map[swarm.NodeID]uint64
	wholes   int // applied
	wrong    []string
	lost     []swarm.NodeID
	silent   []string
	complete bool
}

type owned struct {
	swarm.Presence
	revision uint64
}

type departedAt struct {
	swarm.Departure
	revision uint64
}

func newFakeDrivers(node string) *fakeDrivers {
	return &fakeDrivers{
		node: node, changed: make(chan struct{}, 1), own: map[string]owned{},
		others: map[swarm.NodeID]map[string]swarm.Presence{}, reached: map[swarm.NodeID]uint64{},
	}
}

func (f *fakeDrivers) join(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		f.revision++
		f.sessions++
		f.own[id] = owned{revision: f.revision, Presence: swarm.Presence{
			Driver: swarm.Driver{
				ID: id, State: swarm.Active, Labels: map[string]string{"node": f.node}, Version: "1.2.3",
				ConnectedAt: time.Unix(int64(f.revision), 0).UTC(), Share: swarm.Share{Weight: 1},
			},
			Session: fmt.Sprint(f.node, "-", f.sessions), Joined: time.Unix(int64(f.revision), 1).UTC(),
		}}
	}
	signal(f.changed)
}

func (f *fakeDrivers) report(id string, players int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision++
	o := f.own[id]
	o.revision, o.HasReport, o.Reported.Players, o.AppliedSeq = f.revision, true, players, uint64(players)
	if o.Metrics = map[string]float64{"rps": float64(players)}; players == 0 {
		o.Metrics = nil
	}
	f.own[id] = o
}

func (f *fakeDrivers) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revision++
	f.left = append(f.left, departedAt{
		swarm.Departure{DriverID: id, Session: f.own[id].Session, Deregistered: true}, f.revision,
	})
	delete(f.own, id)
	signal(f.changed)
}

func (f *fakeDrivers) Changed() <-chan struct{} { return f.changed }

func (f *fakeDrivers) Changes(after uint64) swarm.RosterChanges {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := swarm.RosterChanges{From: after, To: f.revision, Whole: after == 0}
	for _, id := range sortedKeys(f.own) {
		if o := f.own[id]; o.revision > after {
			c.Present = append(c.Present, o.Presence)
		}
	}
	for _, d := range f.left {
		if d.revision > after && !c.Whole {
			c.Departed = append(c.Departed, d.Departure)
		}
	}
	return c
}

func (f *fakeDrivers) ApplyRoster(node swarm.NodeID, c swarm.RosterChanges) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.others[node] == nil {
		if !c.Whole {
			f.wrong = append(f.wrong, "the first changes of a node are not all of its drivers")
		}
		f.others[node] = map[string]swarm.Presence{}
	}
	if !c.Whole && c.From != f.reached[node] {
		f.wrong = append(f.wrong, fmt.Sprintf("changes from %d after %d", c.From, f.reached[node]))
	}
	if c.Whole {
		f.wholes++
	}
	f.reached[node] = c.To
	applyTo(f.others[node], c)
}

func (f *fakeDrivers) NodeLost(node swarm.NodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lost = append(f.lost, node)
	delete(f.others, node)
	delete(f.reached, node)
}

func (f *fakeDrivers) SetSilent(names []string, complete bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent, f.complete = names, complete
}

// fakeRounds are the rounds of a node in a test.
type fakeRounds struct {
	settle func(ctx context.Context) (uint64, error)

	mu     sync.Mutex
	notYet map[uint64]bool
	took   map[string]int // "seq driver": how often it arrived
	alive  []swarm.NodeID
}

func newFakeRounds() *fakeRounds {
	return &fakeRounds{
		took: map[string]int{}, notYet: map[uint64]bool{},
		settle: func(context.Context) (uint64, error) { return 0, nil },
	}
}

func (f *fakeRounds) Verdicts(_ swarm.NodeID, verdicts []swarm.NodeVerdict) (notYet []uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, v := range verdicts {
		if f.notYet[v.Seq] {
			if !slices.Contains(notYet, v.Seq) {
				notYet = append(notYet, v.Seq)
			}
			continue
		}
		f.took[fmt.Sprint(v.Seq, " ", v.DriverID)]++
	}
	return notYet
}

func (f *fakeRounds) Settle(ctx context.Context) (uint64, error) { return f.settle(ctx) }

func (f *fakeRounds) NodesAlive(alive []swarm.NodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.alive = alive
}
