package driver

import (
	"errors"
	"fmt"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// defaultInterval is for a server that does not set the heartbeat interval.
const defaultInterval = time.Second

// read receives frames until the connection ends.
func (s *session) read() { s.end(s.readFrames()) }

func (s *session) readFrames() error {
	for {
		s.pulse.listen()
		s.lease.listen(true)
		kind, frame, err := s.conn.Read(s.alive)
		s.pulse.pause()
		if err != nil {
			return s.closed(err)
		}
		s.lease.renew()
		s.lease.listen(false)
		if kind != websocket.MessageText {
			return s.violation(wire.CloseBinary, errors.New("the server sent a binary frame"))
		}
		switch err := s.receive(frame); {
		case errors.Is(err, wire.ErrNotJSON):
			return s.violation(wire.CloseNotJSON, err)
		case err != nil:
			s.log.Warn("ignored a frame of the server", "error", err)
		}
	}
}

// closed explains why the connection can no longer be read.
func (s *session) closed(err error) error {
	if frame, ok := errors.AsType[websocket.CloseError](err); ok {
		return &CloseError{
			Code: wire.CloseCode(frame.Code), Reason: frame.Reason,
			ErrorCode: s.lastError.Code, ErrorDetail: s.lastError.Detail,
		}
	}
	return fmt.Errorf("driver: connection lost: %w", err)
}

// violation closes the connection to a server that violates the protocol, and reports it to both sides.
func (s *session) violation(code wire.CloseCode, err error) error {
	_ = s.conn.Close(websocket.StatusCode(code), code.Text())
	return fmt.Errorf("%w: %w", errViolation, err)
}

// receive handles one frame. An invalid frame changes nothing.
func (s *session) receive(frame []byte) error {
	kind, err := wire.TypeOf(frame)
	if err != nil {
		return err
	}
	switch kind {
	case wire.TypeRegistered:
		return handle(frame, s.onRegistered)
	case wire.TypeCommand:
		return handle(frame, func(c wire.CommandFrame) error {
			return s.take(c.Seq, c.Command, func(to *Command) {
				to.Deadline, to.Traceparent = milliseconds(c.DeadlineMS), c.Traceparent
			})
		})
	case wire.TypeHeartbeatAck:
		return handle(frame, s.onHeartbeatAck)
	case wire.TypeDrain:
		return handle(frame, func(d wire.Drain) error {
			s.drainHint = milliseconds(d.ReconnectAfterMS)
			return nil
		})
	case wire.TypeError:
		return handle(frame, func(e wire.Error) error {
			s.lastError = e
			s.log.Warn("the server reports an error", "code", e.Code, "detail", e.Detail)
			return nil
		})
	default: // from a later version of the protocol
		return nil
	}
}

func handle[T any](frame []byte, do func(T) error) error {
	var f T
	if err := wire.Decode(frame, &f); err != nil {
		return err
	}
	return do(f)
}

func (s *session) onRegistered(r wire.Registered) error {
	if !s.began.IsZero() {
		return errors.New("a second registered")
	}
	s.info = Session{
		ID: r.Session, URL: s.server.name, LogID: r.LogID,
		HeartbeatInterval: milliseconds(r.HeartbeatIntervalMS), LeaseTTL: milliseconds(r.LeaseTTLMS),
		OnLeaseLost: r.OnLeaseLost,
	}
	if s.info.HeartbeatInterval == 0 {
		s.info.HeartbeatInterval = defaultInterval
	}
	s.worker.follow(r.LogID)
	s.began = time.Now()
	s.leaseGone = s.lease.grant(s.info, s.toldLost, func() { s.term = s.worker.currentTerm() })
	close(s.ready)
	s.log.Info("connected", "session", r.Session, "log_id", r.LogID, "desired", len(r.Desired))
	if s.cfg.OnConnect != nil {
		s.cfg.OnConnect(s.info)
	}
	var bad []error
	for _, d := range r.Desired {
		bad = append(bad, s.take(d.Seq, d.Command, func(to *Command) { to.Desired = true }))
	}
	return errors.Join(bad...)
}

func (s *session) onHeartbeatAck(a wire.HeartbeatAck) error {
	if a.HeartbeatIntervalMS <= 0 {
		return nil
	}
	select { // only this goroutine sends: the channel has space after it was emptied
	case <-s.interval:
	default:
	}
	s.interval <- milliseconds(a.HeartbeatIntervalMS)
	return nil
}

// take passes a command to the worker, once complete has added what its frame says besides. It waits if the queue is
// full, and meanwhile nothing is read.
func (s *session) take(seq uint64, w wire.Command, complete func(*Command)) error {
	if seq == 0 {
		return errors.New("a command without seq")
	}
	if s.began.IsZero() {
		return fmt.Errorf("command %d before registered", seq)
	}
	c, rejection := fromWire(seq, w)
	complete(&c)
	s.worker.push(s.alive, &job{Command: c, rejection: rejection, logID: s.info.LogID, term: s.term, send: s.send})
	return nil
}
