package drivers

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/time/rate"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// session is one connection of a driver: what is needed to communicate with it, and its clocks. It ends with the
// connection, and is freed then. What is known about the driver is in its member, which remains.
type session struct {
	outbox *outbox
	r      *Registry

	// What keeps the session from ending between a command and its answer, see rotation.go. Offer reads and writes
	// it, so it is next to the outbox.
	answered atomic.Uint64 // newest command that the driver has answered; stored by the reader
	targeted uint64        // newest command for it as a target; guarded by the registry's lock
	// when every verdict of this session is final, as a time since the registry's start; guarded like targeted
	dueBy    time.Duration
	retiring atomic.Bool // it is no target of new commands; stored under the registry's lock

	since   time.Time    // every atomic time below is a duration since then, on the monotonic clock
	beatAt  atomic.Int64 // last heartbeat; register counts as one
	heardAt atomic.Int64 // last heartbeat or pong

	conn       *websocket.Conn
	socket     *socket
	token      string
	remoteAddr string
	principal  swarm.Principal
	frames     *rate.Limiter // nil: no limit

	// Guarded by the registry's lock.
	retireAt  time.Time // when the session begins to retire; zero: no time is set
	retireBy  time.Time // when it ends at the latest; zero: no time is set
	dismissed bool      // it was told why it ends, and its close is on its way
	stale     bool      // its heartbeats were late at the last sweep
	cutAt     time.Time // when a revoked session is cut if the peer has not closed it; zero: not revoked

	pinging      atomic.Bool
	pingedAt     atomic.Int64                 // last ping, 0 for none
	rtt          atomic.Int64                 // of the last ping that was answered, in nanoseconds; 0 for none
	over         atomic.Bool                  // the reader has ended: the connection only needs to be closed
	begun        atomic.Bool                  // set once: by the first frame, or when the time for it is over
	replaced     atomic.Bool                  // a newer session has the driver id: frames of this one do not count
	ended        atomic.Pointer[swarm.Reason] // why the session ended; nil for disconnected
	sentInterval atomic.Int64                 // the last heartbeat interval that the driver received

	last struct { // the newest answer; owned by the reader
		seq     uint64
		applied bool
	}

	// Set by join, under the registry's lock, before the session is visible to others; never changed after that.
	member   *member        // nil while the driver has not registered
	joinedAt uint64         // seq of the last command offered before this session
	wanted   []swarm.Wanted // the desired commands in the answer to register
}

// driverID is "" while the driver has not registered.
func (s *session) driverID() string {
	if s.member == nil {
		return ""
	}
	return s.member.id
}

// handed reports whether the command seq was put into this session's outbox, live or in the answer to register.
func (s *session) handed(seq uint64) bool {
	if seq > s.joinedAt {
		return seq <= s.r.offered.Load()
	}
	return slices.ContainsFunc(s.wanted, func(w swarm.Wanted) bool { return w.Seq == seq })
}

// clock returns the time since the session began, as the socket counts it; never 0.
func (s *session) clock(now time.Time) int64 { return int64(now.Sub(s.since)) + 1 }

func (s *session) beat() {
	now := s.clock(time.Now())
	s.beatAt.Store(now)
	s.heardAt.Store(now)
}

// lastBeat returns when the last heartbeat came.
func (s *session) lastBeat() time.Time { return s.since.Add(time.Duration(s.beatAt.Load() - 1)) }

func (s *session) age(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.beatAt.Load())
}

func (s *session) silence(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.heardAt.Load())
}

// active must be called with the registry's attended time.
func (s *session) active(now time.Time) bool { return s.age(now) < s.r.cfg.StaleAfter }

// enqueue puts a control frame into the outbox; false if it takes none.
func (s *session) enqueue(frameType string, frame []byte) bool {
	if !s.outbox.enqueue(frame) {
		return false
	}
	s.r.cfg.Meter.Sent(frameType, 1)
	return true
}

// drain tells the driver that its session ends, and when to reconnect.
func (s *session) drain(reconnectAfter time.Duration) {
	s.enqueue(wire.TypeDrain,
		wire.Encode(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: reconnectAfter.Milliseconds()}))
	s.outbox.close(wire.CloseDrain)
}

// kill closes the connection at once; reader and writer end soon after. It never blocks.
func (s *session) kill() { s.socket.cut() }

// hangUp ends the connection after the reader has ended. The peer gets bounded time to answer a close, because unread
// data would make the kernel drop the close frame.
func (s *session) hangUp() {
	cut := time.AfterFunc(controlTimeout, s.kill)
	defer cut.Stop()
	_ = s.conn.Close(websocket.StatusProtocolError, "") // sends nothing if a close was sent or received before
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

func (s *session) logger() *slog.Logger {
	return s.r.logger.With("session", s.token, "remote_addr", s.remoteAddr)
}
