package driver

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Session is the server's answer to the driver's register.
type Session struct {
	ID                string        // of this connection, for logs
	URL               string        // of the server, as in Config.URL, without a password
	LogID             string        // names the log that the seqs of commands belong to
	HeartbeatInterval time.Duration // at the start of the session; the server may change it
	LeaseTTL          time.Duration // how long the driver may continue without any frame from the server
	OnLeaseLost       string        // what the server wants after that: "stop" or "hold"
}

const (
	registeredTimeout = 10 * time.Second
	writeTimeout      = 10 * time.Second
	closeGrace        = time.Second             // for the close frame that explains a failed write
	farewellTimeout   = 2 * time.Second         // for deregistering in total
	applyGrace        = 1500 * time.Millisecond // the part of it for a running Apply
)

// session is one connection, from the register frame to the close. Its parts (reader, heartbeats, watch) each have a
// goroutine, which run starts and joins. The first part that finds the connection to be over calls end.
type session struct {
	*client
	log    *slog.Logger // of the connection to server
	server server
	conn   *websocket.Conn
	pulse  *pulse

	// alive outlives the context of Run: the last acks and the deregister are sent after that.
	alive    context.Context
	end      context.CancelCauseFunc
	interval chan time.Duration // new heartbeat interval, latest only
	ready    chan struct{}      // closed when the server has accepted the driver
	toldLost bool               // the register reports that a lease was lost; set before the reader starts

	// Owned by the reader. Other parts may read the first four after ready, the rest after the reader has ended.
	info      Session
	began     time.Time       // zero until registered
	term      uint64          // the worker's term when the server accepted the driver
	leaseGone <-chan struct{} // closed when the lease is lost
	drainHint time.Duration
	lastError wire.Error
}

func newSession(ctx context.Context, c *client, to server, conn *websocket.Conn, p *pulse) *session {
	s := &session{
		client: c, log: c.logOf(to), server: to, conn: conn, pulse: p,
		interval: make(chan time.Duration, 1), ready: make(chan struct{}),
	}
	s.alive, s.end = context.WithCancelCause(context.WithoutCancel(ctx))
	return s
}

// run serves the session until it ends, or until ctx ends.
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
		case <-s.leaseGone: // a new register reports the loss and gets the desired load
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

// ending summarizes the session and calls the hook. All parts have ended.
func (s *session) ending(ctx context.Context) ending {
	e := ending{err: context.Cause(s.alive), drainHint: s.drainHint}
	if ctx.Err() != nil { // the driver wanted to end, whatever happened while it deregistered
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

// send writes one frame. The write has its own timeout: it belongs to the connection, not to a command.
func (s *session) send(frame []byte) error {
	ctx, cancel := context.WithTimeout(s.alive, writeTimeout)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageText, frame)
}

// lost ends the session after a failed write. A close frame of the server may give the reason, so the reader gets the
// first chance.
func (s *session) lost(err error) {
	sleep(s.alive, closeGrace)
	s.end(fmt.Errorf("driver: connection lost: %w", err))
}
