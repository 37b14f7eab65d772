package drivers

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Registry keeps the known drivers. All methods are safe for concurrent use.
type Registry struct {
	cfg      Config
	logger   *slog.Logger
	rounds   Rounds
	requests Requests

	mu        sync.Mutex
	logID     string         // as drivers receive it
	desired   *swarm.Desired // the fold of the log
	shown     *swarm.Desired // a copy of it for readers; nil when it has changed
	startedAt time.Time

	members   map[string]*member // by driver id
	byID      []*member          // members by driver id; nil when the list must be rebuilt
	openByID  []*member          // those that have a session; nil when the list must be rebuilt
	ownByID   []*member          // those whose home is this node; nil when the list must be rebuilt
	open      int                // number of members that have a session
	elsewhere int                // number of members that are connected to another node
	former    former
	owners    map[string]ownership // by driver id, of drivers that have not returned since this process started
	claims    claims
	sessions  map[*session]struct{} // every connection, registered or not
	unsent    int                   // how many commands were superseded by the last Offer that superseded any
	accepting bool
	choosing  bool                    // drivers were chosen as targets, and not all their commands were offered yet
	retiring  map[*session]retirement // sessions that will end as soon as they have answered
	leaving   bool                    // all drivers are to move to other nodes
	running   sync.WaitGroup          // goroutines of sessions
	ctx       context.Context         // of what sessions wait for; ends with Shutdown
	cancel    context.CancelFunc

	// What the nodes tell each other about their drivers.
	departures departures
	rosters    rosters
	revision   atomic.Uint64 // of this node's own members, see touch
	changed    chan struct{}
	applying   sync.Mutex // one node's changes at a time; locked before mu

	// The policies.
	resplits resplits
	empty    empty
	idle     idle
	leases   leases // not guarded by mu

	readers turns   // turns of the readers of the whole swarm; a turn begins before mu is locked
	spare   []shown // memory for the next snapshot, of the reader that has the turn

	offered   atomic.Uint64 // seq of the last command or reset handed over
	conflicts atomic.Uint64

	sweptAt   time.Time // last sweep; zero before the first
	resumedAt time.Time // end of the last pause of this process
	judgedAt  time.Time // when the sweeper last judged the credentials; not guarded by mu
}

// New returns a Registry. Handler serves its connections; Run sweeps.
func New(cfg Config, rounds Rounds, requests Requests) (*Registry, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	r := &Registry{
		cfg: cfg, logger: cfg.Logger, rounds: rounds, requests: requests, accepting: true, startedAt: now,
		logID: cfg.Past.LogID, desired: cfg.Past.Desired, former: newFormer(cfg.Past.Drivers),
		members: map[string]*member{}, sessions: map[*session]struct{}{}, claims: claims{},
		retiring: map[*session]retirement{}, owners: ownersOf(cfg.Past.Drivers),
		resplits: newResplits(cfg.Resplit), empty: empty{after: cfg.ForgetAfter, since: now},
		idle: idle{after: cfg.ForgetAfter, every: cfg.idleEvery()}, readers: newTurns(),
		rosters: rosters{complete: !cfg.Shared}, changed: make(chan struct{}, 1),
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.revision.Store(1)
	if r.cfg.Meter == nil {
		r.cfg.Meter = unmetered{}
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	if r.desired == nil {
		r.desired = &swarm.Desired{}
	}
	r.offered.Store(cfg.Past.LastSeq)
	r.leases.ttl = cfg.LeaseTTL
	r.leases.setInterval(cfg.HeartbeatInterval)
	return r, nil
}

// NewestLoad returns the order of the newest set_players, stop or reset that concerns t, or 0. A command concerns t if
// a known driver matches t and either matches the command or was a fixed target of it.
func (r *Registry) NewestLoad(t swarm.Target) (newest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for m := range r.selected(t) {
		if !r.forgotten(m, now) {
			newest = max(newest, r.desired.NewestLoad(m.id, m.labels))
		}
	}
	return newest
}

// Last returns the seq of the newest command, reset or expired record that was folded.
func (r *Registry) Last() uint64 { return r.offered.Load() }

// Base returns the base of a load command, if the fold still has it.
func (r *Registry) Base(seq uint64, submitter string) (base uint64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.desired.Base(seq, submitter)
}

// SetLogID changes the log id that drivers receive when they register.
func (r *Registry) SetLogID(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logID = id
}
