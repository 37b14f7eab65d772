package drivers

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// session is one connection of a driver: what is needed to talk to it, and the clocks by which it is judged. It ends
// with the connection, and is freed then. What is known of the driver is in its member, which stays.
type session struct {
	outbox  *outbox
	r       *Registry
	since   time.Time    // every atomic time below is a duration since then, on the monotonic clock
	beatAt  atomic.Int64 // last heartbeat; register counts as one
	heardAt atomic.Int64 // last heartbeat or pong

	conn       *websocket.Conn
	socket     *socket
	token      string
	remoteAddr string

	pinging  atomic.Bool
	pingedAt atomic.Int64                 // last ping, 0 for none
	rtt      atomic.Int64                 // of the last ping that was answered, in nanoseconds; 0 for none
	over     atomic.Bool                  // the reader has ended: what is left is to hang up
	begun    atomic.Bool                  // the first frame came in time, or the time is over: whichever was first
	replaced atomic.Bool                  // a newer session has the driver id: what this one says does not count
	ended    atomic.Pointer[swarm.Reason] // why the session ended; nil for disconnected
	told     atomic.Int64                 // heartbeat interval that the driver was told last

	last struct { // the newest answer; the reader's own
		seq     uint64
		applied bool
	}

	// Set by join, under the registry's lock, before the session is visible to others; fixed from then on.
	member   *member        // nil while the driver has not registered
	joinedAt uint64         // seq of the last hand-over before this session
	wanted   []swarm.Wanted // what the answer to register told
}

// driverID is "" while the driver has not registered.
func (s *session) driverID() string {
	if s.member == nil {
		return ""
	}
	return s.member.id
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

// lastBeat is when the last heartbeat came.
func (s *session) lastBeat() time.Time { return s.since.Add(time.Duration(s.beatAt.Load() - 1)) }

func (s *session) age(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.beatAt.Load())
}

func (s *session) silence(now time.Time) time.Duration {
	return time.Duration(s.clock(now) - s.heardAt.Load())
}

// active is asked with the registry's attended time.
func (s *session) active(now time.Time) bool { return s.age(now) < s.r.cfg.StaleAfter }

// drain tells the driver that the server stops, and when to come back.
func (s *session) drain() {
	s.outbox.enqueue(wire.Encode(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: wire.ReconnectBase.Milliseconds()}))
	s.outbox.close(wire.CloseDrain)
}

// kill cuts the connection; reader and writer end soon after. It never blocks.
func (s *session) kill() { s.socket.cut() }

// hangUp ends the connection after the reader has: the peer gets the time to answer a close, within bounds, because
// data that nobody read would make the kernel throw the close frame away.
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

func (s *session) logger() *slog.Logger {
	return s.r.logger.With("session", s.token, "remote_addr", s.remoteAddr)
}
