package drivers

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
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
}

// Lost-lease policies that drivers are told.
const (
	OnLeaseLostStop = "stop"
	OnLeaseLostHold = "hold"
)

// Config is what a Registry needs. Durations must be positive.
type Config struct {
	HeartbeatInterval time.Duration  // that drivers are told
	StaleAfter        time.Duration  // heartbeat age from which a driver is stale; over HeartbeatInterval
	ForgetAfter       time.Duration  // how long a lost driver is shown
	LeaseTTL          time.Duration  // how long a driver goes on without a word from the server
	OnLeaseLost       string         // what it does then: OnLeaseLostStop or OnLeaseLostHold
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
	if c.Desired == nil {
		c.Desired = &swarm.Desired{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(errs...)
}

// interval is the heartbeat interval that drivers are told: short enough to renew the lease four times over.
func (c *Config) interval() time.Duration { return min(c.HeartbeatInterval, c.LeaseTTL/5) }

// seat is a driver that is known: with an open session, or lost and not forgotten yet.
type seat struct {
	id      string
	session *session  // newest session; kept after its end for what it last said
	lostAt  time.Time // zero while the session is open
}

func (s *seat) open() bool { return s.lostAt.IsZero() }

// Registry knows the drivers. All methods are safe for concurrent use.
type Registry struct {
	cfg  Config
	sink Sink

	mu        sync.Mutex
	seats     map[string]*seat
	joined    []*session            // open registered sessions by driver id; nil when it must be made anew
	open      int                   // seats with an open session
	emptyAt   time.Time             // since when open is 0
	sessions  map[*session]struct{} // every connection, registered or not
	accepting bool
	running   sync.WaitGroup // goroutines of sessions

	offered atomic.Uint64 // seq of the last command or reset handed over
}

// New makes a Registry. Handler serves its connections; Run sweeps.
func New(cfg Config, sink Sink) (*Registry, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	r := &Registry{
		cfg: cfg, sink: sink, accepting: true, emptyAt: time.Now(),
		seats: map[string]*seat{}, sessions: map[*session]struct{}{},
	}
	r.offered.Store(cfg.LastSeq)
	return r, nil
}

// Targets returns a seat for each active driver that t selects, sorted by driver id.
func (r *Registry) Targets(t swarm.Target) []swarm.Seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var out []swarm.Seat
	for s := range r.matching(t) {
		if s.active(now) {
			out = append(out, swarm.Seat{DriverID: s.id, Capabilities: s.capabilities})
		}
	}
	return out
}

// Offer folds a durable command into the desired state and puts it into the mailbox of every open matching session, stale and
// just registered ones too. A target that could not be handed it is reported absent.
func (r *Registry) Offer(issue swarm.Issue) {
	frame := commandFrame(issue.Seq, issue.Command, issue.Deadline)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Issue(issue.Seq, issue.Command, issue.Target)
	r.offered.Store(issue.Seq)
	for s := range r.matching(issue.Target) {
		r.hand(s, mail{issue.Seq, issue.Command, frame})
	}
	for _, id := range issue.Targets {
		if seat := r.seats[id]; seat == nil || !seat.open() || seat.session.offered != issue.Seq {
			r.sink.Absent(id, issue.Seq)
		}
	}
}

// Reset folds a durable reset record: Stop for all. It is asked for when no session is open, but a driver may have come, and
// have been told the load of before, until it is written.
func (r *Registry) Reset(seq uint64) {
	stop := swarm.Command{Type: swarm.Stop}
	frame := commandFrame(seq, stop, resetDeadline)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Reset(seq)
	r.offered.Store(seq)
	for _, s := range r.sorted() {
		r.hand(s, mail{seq, stop, frame})
	}
}

// resetDeadline is what the Stop of a reset tells drivers; nobody waits for their answer.
const resetDeadline = 2 * time.Second

// hand puts m into the mailbox of s. The lock is held.
func (r *Registry) hand(s *session, m mail) {
	if !s.supports(m.command.Type) {
		s.offered = m.seq // its verdict is known
		return
	}
	superseded, taken := s.box.put(m)
	if taken {
		s.offered = m.seq
	}
	for _, old := range superseded {
		r.sink.Superseded(s.id, old)
	}
}

func commandFrame(seq uint64, c swarm.Command, deadline time.Duration) []byte {
	return wire.Encode(wire.CommandFrame{Type: wire.TypeCommand, Seq: seq, Command: toWire(c), DeadlineMS: deadline.Milliseconds()})
}

// NewestPlayers returns the seq of the newest set_players, stop or reset that concerns t, or 0.
func (r *Registry) NewestPlayers(t swarm.Target) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg.Desired.NewestPlayers(t)
}

// Stale reports whether the driver has an open session whose heartbeats are late.
func (r *Registry) Stale(driverID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	seat := r.seats[driverID]
	return seat != nil && seat.open() && !seat.session.active(time.Now())
}

// matching yields the open sessions that t selects, in order of driver id. The lock is held.
func (r *Registry) matching(t swarm.Target) func(yield func(*session) bool) {
	return func(yield func(*session) bool) {
		if len(t.DriverIDs) > 0 {
			ids := slices.Compact(slices.Sorted(slices.Values(t.DriverIDs)))
			for _, id := range ids {
				if seat := r.seats[id]; seat != nil && seat.open() && (swarm.Target{Labels: t.Labels}).Matches(id, seat.session.labels) {
					if !yield(seat.session) {
						return
					}
				}
			}
			return
		}
		for _, s := range r.sorted() {
			if t.Matches(s.id, s.labels) && !yield(s) {
				return
			}
		}
	}
}

// sorted returns the open registered sessions by driver id. It is made anew only after somebody joined or left.
func (r *Registry) sorted() []*session {
	if r.joined == nil {
		r.joined = make([]*session, 0, r.open)
		for _, seat := range r.seats {
			if seat.open() {
				r.joined = append(r.joined, seat.session)
			}
		}
		slices.SortFunc(r.joined, func(a, b *session) int { return strings.Compare(a.id, b.id) })
	}
	return r.joined
}

func toWire(c swarm.Command) wire.Command {
	w := wire.Command{Type: string(c.Type), Note: c.Note}
	switch c.Type {
	case swarm.SetPlayers:
		w.Players = &c.Players
	case swarm.SetSpawnDelay:
		w.SpawnDelayMS = &c.SpawnDelayMS
	case swarm.Stop:
	}
	return w
}
