package cluster

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// rosters keeps the rosters of the other nodes. One goroutine makes all changes and all calls of Drivers.
type rosters struct {
	cfg     *Config
	drivers Drivers
	rounds  Rounds
	fetch   func(ctx context.Context, id swarm.NodeID) (*changes, error) // a snapshot
	unknown func()                                                       // a message came from a node that is not known

	calls chan func()
	done  chan struct{}
	wg    sync.WaitGroup

	peers    map[string]*peer // by name
	read     bool             // the leases have been read
	told     bool             // SetSilent was called
	silent   []string
	complete bool

	mu      sync.Mutex
	views   map[swarm.NodeID]view
	changed chan struct{} // closed and replaced when views change
}

// view is what others may know of a peer.
type view struct {
	described bool
	revision  uint64
	current   time.Time
	digest    digest
	heard     bool
}

func newRosters(cfg *Config) *rosters {
	return &rosters{
		cfg: cfg, calls: make(chan func(), 64), done: make(chan struct{}), peers: map[string]*peer{},
		views: map[swarm.NodeID]view{}, changed: make(chan struct{}),
	}
}

// do runs f on the goroutine of rosters, soon.
func (r *rosters) do(f func()) {
	select {
	case r.calls <- f:
	case <-r.done:
	}
}

// run works until ctx ends, and then waits for its requests.
func (r *rosters) run(ctx context.Context) {
	ticker := time.NewTicker(r.cfg.timing.retry)
	defer ticker.Stop()
	defer r.wg.Wait()
	defer close(r.done)
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-r.calls:
			f()
		case <-ticker.C:
		}
		r.request(ctx)
		r.tellSilent()
	}
}

// leases takes what a reading of the leases has shown.
func (r *rosters) leases(s seen) {
	for _, id := range s.lost {
		if p := r.peers[id.Name]; p != nil && p.id == id {
			delete(r.peers, id.Name)
		}
		r.mu.Lock()
		delete(r.views, id)
		r.mu.Unlock()
		r.drivers.NodeLost(id)
	}
	for _, id := range s.found {
		p := newPeer(id, time.Now())
		r.peers[id.Name] = p
		r.show(p)
	}
	r.read = true
	r.rounds.NodesAlive(s.alive)
}

// receive takes a message of a node. Only living nodes are heard: a process that was paused and has lost its name must
// not be taken for its successor.
func (r *rosters) receive(from swarm.NodeID, m rosterMessage) {
	p := r.peers[from.Name]
	if p == nil || p.id != from {
		r.unknown()
		return
	}
	r.apply(p, p.receive(m, time.Now()))
}

func (r *rosters) apply(p *peer, changes []swarm.RosterChanges) {
	for _, c := range changes {
		r.drivers.ApplyRoster(p.id, c)
	}
	r.show(p)
}

func (r *rosters) show(p *peer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.views[p.id] = view{
		described: p.described, revision: p.revision, current: p.current, digest: p.digest, heard: p.heard,
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// request requests the snapshots that are needed.
func (r *rosters) request(ctx context.Context) {
	now := time.Now()
	for _, p := range r.peers {
		if !p.behind || p.fetching || now.Before(p.retryAt) {
			continue
		}
		p.fetching = true
		r.wg.Go(func() {
			c, err := r.fetch(ctx, p.id)
			if err != nil {
				r.cfg.Logger.Debug("cannot get the drivers of another node; trying again", "node", p.id.Name, "err", err)
			}
			r.do(func() {
				p.retryAt = time.Now().Add(r.cfg.timing.retry + rand.N(2*r.cfg.timing.retry)) //nolint:gosec // jitter
				if changes := p.fetched(c, time.Now()); r.peers[p.id.Name] == p {
					r.apply(p, changes)
				}
			})
		})
	}
}

// tellSilent calls SetSilent if there is news.
func (r *rosters) tellSilent() {
	if !r.read {
		return
	}
	var silent []string
	complete := true
	now := time.Now()
	for name, p := range r.peers {
		complete = complete && p.described
		if now.Sub(p.current) > r.cfg.timing.silent {
			silent = append(silent, name)
		}
	}
	slices.Sort(silent)
	if r.told && complete == r.complete && slices.Equal(silent, r.silent) {
		return
	}
	r.told, r.complete, r.silent = true, complete, silent
	r.drivers.SetSilent(slices.Clone(silent), complete)
}

func (r *rosters) view(id swarm.NodeID) (view, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v, ok := r.views[id]
	return v, ok
}

// reached waits until a revision of a node's drivers has been applied.
func (r *rosters) reached(ctx context.Context, id swarm.NodeID, revision uint64) error {
	for {
		r.mu.Lock()
		v, changed := r.views[id], r.changed
		r.mu.Unlock()
		if v.described && v.revision >= revision {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}
