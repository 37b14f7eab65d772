package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Session is what the server told the driver when it registered.
type Session struct {
	ID                string        // of this connection, for logs
	LogID             string        // names the log that the seqs of commands belong to
	HeartbeatInterval time.Duration // as of now; the server may change it
	LeaseTTL          time.Duration // how long the driver may go on without any word from the server
	OnLeaseLost       string        // what the server wants done after that: "stop" or "hold"
}

const (
	registeredTimeout = 10 * time.Second
	writeTimeout      = 10 * time.Second
	closeGrace        = time.Second             // for the close frame that tells why a write failed
	farewellTimeout   = 2 * time.Second         // for all of the farewell
	applyGrace        = 1500 * time.Millisecond // of which a running Apply may use so much
)

// session is one connection, from the register frame to the close. Its parts (reader, heartbeats, watch) each have a
// goroutine, which run starts and joins. Whichever part first finds the connection to be over calls end.
type session struct {
	*client
	conn  *websocket.Conn
	pulse *pulse

	// alive is not ended by the context of Run: the last acks and the farewell come after that.
	alive    context.Context
	end      context.CancelCauseFunc
	interval chan time.Duration // new heartbeat interval, latest only
	ready    chan struct{}      // closed when the server has accepted the driver
	toldLost bool               // the register reports that a lease was lost; set before the reader begins

	// The reader's; others may read the first four after ready, the rest after the reader has ended.
	info      Session
	began     time.Time       // zero until registered
	term      uint64          // of the worker, when the server accepted the driver
	leaseGone <-chan struct{} // closed when the lease is lost
	drainHint time.Duration
	lastError wire.Error
}

func newSession(ctx context.Context, c *client, conn *websocket.Conn, p *pulse) *session {
	s := &session{client: c, conn: conn, pulse: p, interval: make(chan time.Duration, 1), ready: make(chan struct{})}
	s.alive, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return s
}

// run serves the session until it ends, or until ctx does.
func (s *session) run(ctx context.Context) ending {
	var parts sync.WaitGroup
	s.toldLost = s.lease.unreported()
	parts.Go(s.read)
	if err := s.send(s.register()); err != nil {
		s.lost(err)
	}
	patience := time.NewTimer(registeredTimeout)
	defer patience.Stop()
	select {
	case <-s.ready:
		parts.Go(s.beat)
		parts.Go(s.watch)
		select {
		case <-ctx.Done():
			s.farewell(ctx)
		case <-s.alive.Done():
		case <-s.leaseGone: // to register anew is how to tell, and how to get the load that is desired
			s.end(errLeaseLost)
		}
	case <-ctx.Done():
		s.farewell(ctx)
	case <-s.alive.Done():
	case <-patience.C:
		s.end(fmt.Errorf("driver: the server did not answer the register within %v", registeredTimeout))
	}
	s.end(nil)
	_ = s.conn.CloseNow()
	parts.Wait()
	s.lease.disconnected()
	return s.ending(ctx)
}

// ending sums the session up and tells the hook. All parts have ended.
func (s *session) ending(ctx context.Context) ending {
	e := ending{err: context.Cause(s.alive), floor: s.drainHint}
	if ctx.Err() != nil { // whatever came of the farewell, the driver wanted to go
		e.err = nil
	}
	if s.began.IsZero() {
		return e
	}
	e.health = time.Since(s.began)
	s.log.Info("disconnected", "session", s.info.ID, "error", e.err)
	if s.cfg.OnDisconnect != nil {
		s.cfg.OnDisconnect(e.err)
	}
	return e
}

func (s *session) register() []byte {
	logID, applied, state := s.worker.progress()
	r := wire.Register{
		Type: wire.TypeRegister, DriverID: s.cfg.DriverID, Labels: s.cfg.Labels, Version: s.cfg.Version,
		Instance: s.instance, LogID: logID, AppliedSeq: applied, State: s.state(state), LeaseLost: s.toldLost,
		MaxPlayers: s.cfg.MaxPlayers,
	}
	if s.cfg.Weight != 0 {
		r.Weight = &s.cfg.Weight
	}
	for _, c := range s.cfg.Capabilities {
		r.Capabilities = append(r.Capabilities, string(c))
	}
	return wire.Encode(r)
}

// send writes one frame. The write has a timeout of its own: it is about the connection, never about a command.
func (s *session) send(frame []byte) error {
	ctx, cancel := context.WithTimeout(s.alive, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, frame)
}

// lost ends the session for a failed write. The server may have said why in a close frame, so the reader goes first.
func (s *session) lost(err error) {
	sleep(s.alive, closeGrace)
	s.end(fmt.Errorf("driver: connection lost: %w", err))
}
