package drivers

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Sink is told what becomes of commands at the drivers. Gone, Absent and Superseded are called with the registry's lock held
// and must not call back into the Registry.
type Sink interface {
	// Ack takes a driver's answer; it reports the time since the hand-over and whether the answer made a difference.
	Ack(driverID string, seq uint64, reply swarm.Reply) (latency time.Duration, counted bool)
	// Gone tells that a driver's session ended; no other session took its place.
	Gone(driverID string, reason swarm.Reason)
	// Absent tells that a target had no session that could be handed the command seq.
	Absent(driverID string, seq uint64)
	// Superseded tells that a newer command took the place of seq before it was sent.
	Superseded(driverID string, seq uint64)
	// Reset asks for a reset record.
	Reset(cause string)
	// Resplit asks for a total to be split again, because of a change of some drivers: "lost", "joined".
	Resplit(seq uint64, change string, driverIDs []string)
	// Expire asks for load commands that no known driver has matched for a while to be replaced by Stops.
	Expire([]*swarm.Expired)
	// LogRegressed tells that a driver registers the current log with an applied seq past its end: entries were lost. It is
	// called without a lock held and may block, and may give the log a new id by SetLogID: the driver is told that one.
	LogRegressed(driverID, logID string, appliedSeq uint64)
}

// Lost-lease policies that drivers are told.
const (
	OnLeaseLostStop = "stop"
	OnLeaseLostHold = "hold"
)

// Resplit says when a total is split again.
type Resplit string

// When a total is split again: never; when drivers with a part are lost for good; or also when drivers come that have none.
const (
	ResplitOff      Resplit = "off"
	ResplitOnLoss   Resplit = "on-loss"
	ResplitOnChange Resplit = "on-change"
)

// Config is what a Registry needs. Durations must be positive.
type Config struct {
	HeartbeatInterval time.Duration  // that drivers are told
	StaleAfter        time.Duration  // heartbeat age from which a driver is stale; over HeartbeatInterval
	ForgetAfter       time.Duration  // how long a lost driver is known at least, and a load command that no known driver matches holds
	LeaseTTL          time.Duration  // how long a driver goes on without a word from the server
	OnLeaseLost       string         // what it does then: OnLeaseLostStop or OnLeaseLostHold
	Resplit           Resplit        // when to ask for totals to be split again; "" for ResplitOff
	Former            []swarm.Former // drivers that the last process knew
	LogID             string         // of the log, as drivers are told
	Desired           *swarm.Desired // fold of the log so far; the Registry owns it from now on
	LastSeq           uint64         // position of the log's last record
	Logger            *slog.Logger
}

func (c *Config) validate() error {
	var errs []error
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"heartbeat interval", c.HeartbeatInterval}, {"stale-after", c.StaleAfter}, {"forget-after", c.ForgetAfter}, {"lease TTL", c.LeaseTTL}} {
		if d.v <= 0 {
			errs = append(errs, errors.New(d.name+" must be positive"))
		}
	}
	if c.StaleAfter <= c.HeartbeatInterval {
		errs = append(errs, errors.New("stale-after must be over the heartbeat interval"))
	}
	if c.OnLeaseLost != OnLeaseLostStop && c.OnLeaseLost != OnLeaseLostHold {
		errs = append(errs, errors.New("on-lease-lost must be stop or hold"))
	}
	switch c.Resplit {
	case "", ResplitOff, ResplitOnLoss, ResplitOnChange:
	default:
		errs = append(errs, errors.New("resplit must be off, on-loss or on-change"))
	}
	if c.Desired == nil {
		c.Desired = &swarm.Desired{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(errs...)
}

// interval is what drivers are told when heartbeats are wanted every d: often enough to renew the lease four times over.
func (c *Config) interval(d time.Duration) time.Duration { return min(d, c.LeaseTTL/5) }

// knownFor is how long a driver is known after its session was lost: while its lease runs, it may be running load.
func (c *Config) knownFor() time.Duration { return max(c.ForgetAfter, c.LeaseTTL) }

// seat is a driver that is known: with an open session, or lost and not forgotten yet.
type seat struct {
	id      string
	session *session  // newest session; kept after its end for what it last said
	lostAt  time.Time // zero while the session is open
	rivals  rivalry
}

func (s *seat) open() bool { return s.lostAt.IsZero() }

// Registry knows the drivers. All methods are safe for concurrent use.
type Registry struct {
	cfg  Config
	sink Sink

	looking   turns    // of readers of the whole swarm; begun before mu is taken
	members   []member // memory of their snapshots, of the one who has the turn
	mu        sync.Mutex
	seats     map[string]*seat
	joined    []*session // open registered sessions by driver id; nil when it must be made again
	listed    []*seat    // seats by driver id; nil when it must be made again
	open      int        // seats with an open session
	startedAt time.Time
	shown     *swarm.Desired // a copy of the fold for readers; nil when the fold has changed
	resplits  resplits
	former    former
	idle      idle
	claims    claims
	emptyAt   time.Time             // since when open is 0
	sessions  map[*session]struct{} // every connection, registered or not
	accepting bool
	running   sync.WaitGroup // goroutines of sessions

	offered   atomic.Uint64 // seq of the last command or reset handed over
	interval  atomic.Int64  // heartbeat interval that drivers are told
	suspended atomic.Bool   // leases are not renewed
	conflicts atomic.Uint64

	sweptAt   time.Time // last sweep; zero before the first
	resumedAt time.Time // end of the last pause of this process
}

// New makes a Registry. Handler serves its connections; Run sweeps.
func New(cfg Config, sink Sink) (*Registry, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Registry{
		cfg: cfg, sink: sink, accepting: true, emptyAt: time.Now(), startedAt: time.Now(), resplits: resplits{},
		seats: map[string]*seat{}, sessions: map[*session]struct{}{}, former: newFormer(cfg.Former), idle: idle{since: map[uint64]time.Time{}},
		claims: claims{}, looking: newTurns(),
	}
	r.offered.Store(cfg.LastSeq)
	r.interval.Store(int64(cfg.interval(cfg.HeartbeatInterval)))
	return r, nil
}

// NewestLoad returns the place of the newest set_players, stop or reset that concerns t, or 0: one that a known driver matches, or
// was a fixed target of, which matches t as well.
func (r *Registry) NewestLoad(t swarm.Target) (newest uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for seat := range r.selected(t) {
		if !r.forgotten(seat, now) {
			newest = max(newest, r.cfg.Desired.NewestLoad(seat.id, seat.session.labels))
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
	return r.cfg.Desired.Base(seq, submitter)
}
