package drivers

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Registry knows the drivers. All methods are safe for concurrent use.
type Registry struct {
	cfg      Config
	logger   *slog.Logger
	rounds   Rounds
	requests Requests

	mu        sync.Mutex
	logID     string         // as drivers are told
	desired   *swarm.Desired // the fold of the log
	shown     *swarm.Desired // a copy of it for readers; nil when it has changed
	startedAt time.Time

	members   map[string]*member // by driver id
	byID      []*member          // members by driver id; nil when it must be made again
	openByID  []*member          // of these, the open ones; nil when it must be made again
	open      int                // how many they are
	former    former
	claims    claims
	sessions  map[*session]struct{} // every connection, registered or not
	unsent    int                   // how many commands the last hand-over that superseded any did
	accepting bool
	running   sync.WaitGroup // goroutines of sessions

	// The policies.
	resplits resplits
	empty    empty
	idle     idle
	leases   leases // has no need of mu

	looking turns   // of readers of the whole swarm; one begins before mu is taken
	spare   []shown // memory for the next snapshot, of the reader that has the turn

	offered   atomic.Uint64 // seq of the last command or reset handed over
	conflicts atomic.Uint64

	sweptAt   time.Time // last sweep; zero before the first
	resumedAt time.Time // end of the last pause of this process
}

// New makes a Registry. Handler serves its connections; Run sweeps.
func New(cfg Config, rounds Rounds, requests Requests) (*Registry, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	now := time.Now()
	r := &Registry{
		cfg: cfg, logger: cfg.Logger, rounds: rounds, requests: requests, accepting: true, startedAt: now,
		logID: cfg.Past.LogID, desired: cfg.Past.Desired, former: newFormer(cfg.Past.Drivers),
		members: map[string]*member{}, sessions: map[*session]struct{}{}, claims: claims{},
		resplits: newResplits(cfg.Resplit), empty: empty{after: cfg.ForgetAfter, since: now},
		idle: idle{after: cfg.ForgetAfter, every: cfg.idleEvery()}, looking: newTurns(),
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

// NewestLoad returns the place of the newest set_players, stop or reset that concerns t, or 0: one that a known driver
// matches, or was a fixed target of, which matches t as well.
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

// Last is the seq of the newest command, reset or expired record that was folded.
func (r *Registry) Last() uint64 { return r.offered.Load() }

// Base returns the base of a load command, if the fold still has it.
func (r *Registry) Base(seq uint64, submitter string) (base uint64, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.desired.Base(seq, submitter)
}

// SetLogID gives the log another name, for drivers that register from now on.
func (r *Registry) SetLogID(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logID = id
}
