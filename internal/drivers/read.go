package drivers

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// errClosing ends the reader after the reader itself requested a close.
var errClosing = errors.New("session is closing")

// keptBytes bounds the buffer that a session keeps between two frames.
const keptBytes = 4 << 10

// read is the session's reader: it registers the driver, then takes its frames until the session ends.
func (s *session) read() {
	defer s.end() // one deferred call: with seven of them, an ack costs 4.6 % more CPU
	late := time.AfterFunc(wire.RegisterTimeout, func() { s.registerLate(s.since) })
	defer late.Stop()
	var buf []byte
	for first := true; ; first = false {
		if cap(buf) > keptBytes {
			buf = nil
		}
		frame, err := s.next(&buf)
		if err == nil && !s.handle(frame, first, late) {
			err = s.drop(nil)
		}
		if err != nil {
			s.logger().Debug("session ended", "driver_id", s.driverID(), "err", err)
			return
		}
	}
}

// end is the last work of the reader.
func (s *session) end() {
	if s.member == nil {
		s.r.cfg.Meter.Connected(ConnectionUnregistered)
	}
	s.r.leave(s, false)
	s.outbox.end()
	s.hangUp()
	s.r.forget(s)
	s.r.running.Done()
}

// handle takes one frame. It reports false when the session is to end.
func (s *session) handle(frame []byte, first bool, late *time.Timer) (goOn bool) {
	if !first {
		return s.take(frame)
	}
	late.Stop()
	return s.begun.CompareAndSwap(false, true) && s.register(frame) // else it is too late: the close is on its way
}

// registerLate ends a session that has not registered in time, counted from since. If this process was paused in the
// meantime, the frame may be waiting to be read, so the time starts again.
func (s *session) registerLate(since time.Time) {
	if now := time.Now(); s.r.pausedSince(since, now) {
		// finds that the session has registered or ended, or ends it
		time.AfterFunc(wire.RegisterTimeout, func() { s.registerLate(now) })
		return
	}
	if s.begun.CompareAndSwap(false, true) {
		s.outbox.close(wire.CloseRegister)
	}
}

// next reads one text message into buf, which it grows as needed and which the next call overwrites.
func (s *session) next(buf *[]byte) ([]byte, error) {
	kind, r, err := s.conn.Reader(context.Background())
	if err != nil {
		return nil, err
	}
	if kind != websocket.MessageText {
		s.outbox.close(wire.CloseBinary)
		return nil, s.drop(r)
	}
	b := (*buf)[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, make([]byte, max(256, cap(b)))...)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if errors.Is(err, io.EOF) {
			*buf = b
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// drop continues to read and discards everything, starting with the given rest of a message, so that the close
// handshake can complete.
func (s *session) drop(rest io.Reader) error {
	for {
		if rest != nil {
			if _, err := io.Copy(io.Discard, rest); err != nil {
				return errClosing
			}
		}
		var err error
		if _, rest, err = s.conn.Reader(context.Background()); err != nil {
			return errClosing
		}
	}
}

// register handles the first frame. If it is not a valid register frame, the driver receives an error and the session
// is closed.
func (s *session) register(frame []byte) (goOn bool) {
	s.r.cfg.Meter.Received(wire.TypeRegister)
	reg, code, problem := parseRegister(frame)
	no := refusal{code, wire.ErrorInvalidFrame, problem}
	if code == 0 {
		no = s.r.admitDriver(s, reg)
	}
	if no.close == 0 {
		s.r.cfg.Meter.Connected(ConnectionRegistered)
		return true
	}
	if no.detail != "" {
		s.refuse(no.code, no.detail)
	}
	s.outbox.close(no.close)
	if no.close == wire.CloseNotYours {
		s.reportRefused(swarm.CodeForbidden, reg.DriverID, no.detail)
	}
	return false
}

func (s *session) reportRefused(code swarm.Code, driverID, detail string) {
	if s.r.cfg.OnRefused != nil {
		s.r.cfg.OnRefused(Refused{s.principal, driverID, s.remoteAddr, code, detail})
	}
}

// take handles a frame of a registered driver. It reports false when the session is to end.
func (s *session) take(frame []byte) (goOn bool) {
	if seq, ok := wire.ScanApplied(frame); ok {
		s.r.cfg.Meter.Received(wire.TypeCommandAck)
		return s.answer(seq, swarm.Reply{Applied: true})
	}
	kind, err := wire.TypeOf(frame)
	s.r.cfg.Meter.Received(kind)
	if err == nil && kind == wire.TypeCommandAck {
		return s.commandAck(frame)
	}
	if !s.withinLimit() {
		return false
	}
	switch {
	case errors.Is(err, wire.ErrNotJSON):
		s.outbox.close(wire.CloseNotJSON)
		return false
	case err != nil:
		s.refuse(wire.ErrorInvalidFrame, err.Error())
		return true
	}
	switch kind {
	case wire.TypeHeartbeat:
		s.heartbeat(frame)
	case wire.TypeDeregister:
		s.r.leave(s, true)
		s.outbox.close(wire.CloseDone)
		return false
	case wire.TypeRegister:
		s.refuse(wire.ErrorAlreadyRegistered, "this session has registered; open a new connection to register again")
	case "":
		s.refuse(wire.ErrorInvalidFrame, "field /type is missing")
	default:
		s.refuse(wire.ErrorUnknownType, "drivers send register, heartbeat, command_ack and deregister")
	}
	return true
}

func (s *session) heartbeat(frame []byte) {
	var beat wire.Heartbeat
	if err := wire.Decode(frame, &beat); err != nil {
		s.refuse(wire.ErrorInvalidFrame, err.Error())
		return
	}
	if problem := checkBeat(&beat); problem != "" {
		s.refuse(wire.ErrorInvalidFrame, problem)
		return
	}
	s.beat()
	s.member.heard(&beat, s.r.offered.Load())
	s.r.touch(s.member)
	s.renewLease()
}

// commandAck handles an answer that ScanApplied does not recognize. It reports false when the session is to end.
func (s *session) commandAck(frame []byte) (goOn bool) {
	var ack wire.CommandAck
	reply, problem := swarm.Reply{}, ""
	if err := wire.Decode(frame, &ack); err != nil {
		problem = err.Error()
	} else {
		reply, problem = replyOf(&ack)
	}
	if problem == "" {
		return s.answer(ack.Seq, reply)
	}
	if !s.withinLimit() {
		return false
	}
	s.refuse(wire.ErrorInvalidFrame, problem)
	return true
}

// answer handles a driver's answer. Only an answer that repeats an earlier one, or that answers nothing, counts for the
// limit of frames. It reports false when the session is to end.
func (s *session) answer(seq uint64, reply swarm.Reply) (goOn bool) {
	if seq <= s.answered.Load() || !s.handed(seq) {
		if !s.withinLimit() {
			return false
		}
		s.ack(seq, reply)
		return true
	}
	s.ack(seq, reply)
	s.answered.Store(seq) // after its verdict is known, because a session that retires may end now
	if s.retiring.Load() {
		s.r.endRetired(s)
	}
	return true
}

// ack counts only for a command that was put into this session's outbox.
func (s *session) ack(seq uint64, reply swarm.Reply) {
	if s.replaced.Load() || !s.handed(seq) {
		return
	}
	if s.last.seq == seq && s.last.applied != reply.Applied {
		s.r.conflict(s.member.id, seq, reply)
		return
	}
	s.last.seq, s.last.applied = seq, reply.Applied
	m := s.member
	defer s.r.touch(m)
	m.misses.Store(0)
	latency, counted := s.r.rounds.Ack(m.id, seq, reply)
	slot, refused := s.r.refusal(m, seq, reply)
	m.mu.Lock()
	defer m.mu.Unlock()
	if reply.Applied {
		m.applied = max(m.applied, seq)
	} else if refused {
		m.refuse(slot, seq)
	}
	if counted {
		m.lastAck = swarm.LastAck{Seq: seq, Latency: latency}
	}
}

// Conflicts returns how many answers contradicted the same session's previous answer to the same command.
func (r *Registry) Conflicts() uint64 { return r.conflicts.Load() }

func (r *Registry) conflict(driverID string, seq uint64, reply swarm.Reply) {
	r.conflicts.Add(1)
	r.logger.Warn("a driver answered a command twice with different answers; the first one counts",
		"driver_id", driverID, "seq", seq, "command_id", seq, "applied_now", reply.Applied, "code", reply.Code)
}

func (s *session) refuse(code, detail string) {
	s.enqueue(wire.TypeError,
		wire.Encode(wire.Error{Type: wire.TypeError, Code: code, Detail: swarm.MaskSecrets(detail)}))
}
