package drivers

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// session is one connection of a driver.
type session struct {
	r          *Registry
	conn       *websocket.Conn
	socket     *socket
	box        *mailbox
	token      string
	remoteAddr string
	since      time.Time // every atomic time below is a duration since then, on the monotonic clock

	beatAt   atomic.Int64 // last heartbeat; register counts as one
	heardAt  atomic.Int64 // last heartbeat or pong
	pinging  atomic.Bool
	pingedAt atomic.Int64                 // last ping, 0 for none
	rtt      atomic.Int64                 // of the last ping that was answered, in nanoseconds; 0 for none
	over     atomic.Bool                  // the reader has ended: what is left is to hang up
	begun    atomic.Bool                  // the first frame came in time, or the time is over: whichever was first
	replaced atomic.Bool                  // a newer session has the driver id: what this one says does not count
	ended    atomic.Pointer[swarm.Reason] // why the session ended; nil for disconnected

	misses atomic.Int32 // deadlines in a row that the driver let pass
	told   atomic.Int64 // heartbeat interval that the driver was told last

	last struct { // the newest answer; the reader's own
		seq     uint64
		applied bool
	}

	// Set by join, under the registry's lock, before the session is visible to others; fixed from then on.
	id           string
	instance     string
	labels       map[string]string
	version      string
	capabilities []string
	share        swarm.Share
	leaseLost    bool           // as the register says
	joinedAt     uint64         // seq of the last hand-over before this session
	wanted       []swarm.Wanted // what the answer to register told
	atRest       uint64         // Stops of the server's own up to this seq were not told: the driver was at rest

	mu      sync.Mutex // what the driver said of itself
	applied uint64
	refused map[swarm.Slot]uint64 // the newest command of each slot that the driver rejected, if it was in force
	lastAck swarm.LastAck         // Seq 0: none
	report  swarm.Report
	// reportedSeq is the newest command that report counts for: the driver had acked it, or said that it has applied it.
	reportedSeq uint64
	reported    bool // report came
	metrics     map[string]float64
}

// adopt takes over what a valid register frame says.
func (s *session) adopt(reg *wire.Register) {
	s.id, s.instance, s.labels, s.version, s.capabilities = reg.DriverID, reg.Instance, reg.Labels, reg.Version, reg.Capabilities
	s.share, s.leaseLost = shareOf(reg), reg.LeaseLost
	if reg.LogID == s.r.cfg.LogID {
		s.applied = min(reg.AppliedSeq, s.r.offered.Load())
	}
	if reg.State != nil {
		s.report, s.reportedSeq, s.reported = swarm.Report(*reg.State), s.applied, true
	}
	s.beat()
}

func (s *session) supports(t swarm.CommandType) bool {
	return swarm.Seat{Capabilities: s.capabilities}.Supports(t)
}

// handed reports whether the command seq was given to this very session, live or as desired.
func (s *session) handed(seq uint64) bool {
	if seq > s.joinedAt {
		return seq <= s.r.offered.Load()
	}
	return slices.ContainsFunc(s.wanted, func(w swarm.Wanted) bool { return w.Seq == seq })
}

// clock is the time since the session began, as the socket counts it; never 0.
func (s *session) clock(now time.Time) int64 { return int64(now.Sub(s.since)) + 1 }

func (s *session) beat() {
	now := s.clock(time.Now())
	s.beatAt.Store(now)
	s.heardAt.Store(now)
}

func (s *session) age(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.beatAt.Load())
}

func (s *session) silence(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.heardAt.Load())
}

// active is asked with the registry's attended time.
func (s *session) active(now time.Time) bool { return s.age(now) < s.r.cfg.StaleAfter }

func (s *session) unresponsive() bool { return s.misses.Load() >= swarm.MissesToFlag }

// drain tells the driver that the server stops, and when to come back.
func (s *session) drain() {
	s.box.say(wire.Encode(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: wire.ReconnectBase.Milliseconds()}))
	s.box.close(wire.CloseDrain)
}

// kill cuts the connection; reader and writer end soon after. It never blocks.
func (s *session) kill() { s.socket.cut() }

// hangUp ends the connection after the reader has: the peer gets the time to answer a close, within bounds, because data that
// nobody read would make the kernel throw the close frame away.
func (s *session) hangUp() {
	cut := time.AfterFunc(controlTimeout, s.kill)
	defer cut.Stop()
	_ = s.conn.Close(websocket.StatusProtocolError, "") // says nothing when a close was sent or received before
	s.kill()
}

func (s *session) endWith(reason swarm.Reason) {
	s.ended.CompareAndSwap(nil, &reason)
	s.kill()
}

func (s *session) endReason() swarm.Reason {
	if r := s.ended.Load(); r != nil {
		return *r
	}
	if s.socket.jammed.Load() || s.socket.blocked(time.Now()) >= controlTimeout {
		return swarm.ReasonWriteTimeout
	}
	return swarm.ReasonDisconnected
}

func (s *session) describe(now time.Time) swarm.Driver {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := swarm.Driver{
		ID: s.id, Unresponsive: s.unresponsive(), Labels: s.labels, Version: s.version, Capabilities: s.capabilities,
		ConnectedAt: s.since, RemoteAddr: s.remoteAddr, HeartbeatAge: max(0, s.age(now)),
		AppliedSeq: s.applied, Reported: s.report, Metrics: s.metrics, Share: s.share, RTT: time.Duration(s.rtt.Load()), LeaseLost: s.leaseLost,
	}
	if last := s.lastAck; last.Seq != 0 {
		d.LastAck = &last
	}
	return d
}

func (s *session) logger() *slog.Logger {
	return s.r.cfg.Logger.With("session", s.token, "remote_addr", s.remoteAddr)
}
