package conformance

import (
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// session is one connection of the driver. One goroutine reads it: frames are recorded while the script waits.
type session struct {
	*kit
	conn     *script.Conn
	register wire.Register
	accepted bool          // registered was sent
	lease    time.Duration // 0 unless it is a short one
	silent   bool          // heartbeats get no answer, so the lease expires
	gone     bool

	beats    []beat
	acks     []wire.CommandAck // not yet taken by answer
	ackedAt  time.Time
	left     bool
	interval time.Duration // to send with the next heartbeat_ack; 0: no change
}

type beat struct {
	at time.Time
	wire.Heartbeat
}

// wait records frames until done returns true, for at most d. It reports whether done did.
func (s *session) wait(d time.Duration, done func() bool) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for !done() {
		if s.gone {
			return false
		}
		select {
		case f, ok := <-s.conn.Frames:
			if !ok {
				s.gone = true
				continue
			}
			s.note(f)
		case <-timer.C:
			return done()
		case <-s.ctx.Done():
			return false
		}
	}
	return true
}

// pause records frames for d.
func (s *session) pause(d time.Duration) { s.wait(d, func() bool { return false }) }

// note handles one frame after the register.
func (s *session) note(f script.Frame) {
	if problem := problemOf(f); problem != "" {
		s.fail(Frames, "sent %s: %s", excerpt(f.Body), problem)
		return
	}
	s.frames++
	if !s.accepted && f.Type != wire.TypeDeregister {
		s.fail(RegisterFirst, "sent a %s before it was registered", f.Type)
	}
	switch f.Type {
	case wire.TypeHeartbeat:
		var h wire.Heartbeat
		_ = f.Decode(&h) // was checked
		s.beats = append(s.beats, beat{f.At, h})
		s.answerHeartbeat()
	case wire.TypeCommandAck:
		var a wire.CommandAck
		_ = f.Decode(&a)
		s.acks, s.ackedAt = append(s.acks, a), f.At
	case wire.TypeRegister:
		s.fail(RegisterFirst, "sent a second register in one session")
	case wire.TypeDeregister:
		s.left = true
	}
}

// answerHeartbeat renews the lease.
func (s *session) answerHeartbeat() {
	if s.silent || !s.accepted {
		return
	}
	s.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: s.interval.Milliseconds()})
	s.interval = 0
}

// send sends a frame. If the connection has ended, the next wait detects it.
func (s *session) send(frame any) { _ = s.conn.Send(frame) }

func (s *session) sendText(frame string) { _ = s.conn.SendText([]byte(frame)) }

// command sends a command with the next seq, and returns the seq.
func (s *session) command(c wire.Command) uint64 {
	s.seq++
	s.sendCommand(s.seq, c)
	return s.seq
}

func (s *session) sendCommand(seq uint64, c wire.Command) {
	s.sentAt = time.Now()
	s.send(wire.CommandFrame{Type: wire.TypeCommand, Seq: seq, Command: c, DeadlineMS: deadline.Milliseconds()})
}

// answer waits for the next ack, which must be for seq, and returns it. Without an ack, d fails.
func (s *session) answer(seq uint64, d Duty) (wire.CommandAck, bool) {
	if !s.wait(deadline, func() bool { return len(s.acks) > 0 }) {
		s.fail(d, "no answer to command %d within %v%s", seq, deadline, s.connectionNote())
		return wire.CommandAck{}, false
	}
	a := s.acks[0]
	s.acks = s.acks[1:]
	if a.Seq != seq {
		s.fail(Order, "answered %d instead of %d", a.Seq, seq)
		return a, false
	}
	s.applied = max(s.applied, seq)
	return a, true
}

// apply sends c as a live command and expects it to be applied.
func (s *session) apply(c wire.Command) bool {
	seq := s.command(c)
	a, ok := s.answer(seq, Order)
	if !ok {
		return false
	}
	if a.Status != wire.StatusApplied {
		s.fail(Order, "rejected %s: %s %q", c, a.Code, a.Detail)
		return false
	}
	s.answered++
	s.slowest = max(s.slowest, s.ackedAt.Sub(s.sentAt))
	return true
}

// reports waits until a new heartbeat reports n players. told is false if heartbeats have no state.
func (s *session) reports(n int64) (ok, told bool) {
	from := len(s.beats)
	ok = s.wait(slack+interval, func() bool { return len(s.beats) > from && s.players(n) })
	return ok, s.state() != nil
}

// stays watches the next few heartbeats, which must all report n players.
func (s *session) stays(n int64, heartbeats int) bool {
	from := len(s.beats)
	s.wait(time.Duration(heartbeats)*3*interval+slack, func() bool { return len(s.beats) >= from+heartbeats })
	for _, b := range s.beats[min(from, len(s.beats)):] {
		if b.State == nil || b.State.Players != n {
			return false
		}
	}
	return len(s.beats) > from
}

func (s *session) players(n int64) bool { st := s.state(); return st != nil && st.Players == n }

// state returns the state in the last heartbeat, nil if it had none.
func (s *session) state() *wire.State {
	if len(s.beats) == 0 {
		return nil
	}
	return s.beats[len(s.beats)-1].State
}

// describeReport describes the last heartbeat for a message.
func (s *session) describeReport() string {
	if st := s.state(); st != nil {
		return fmt.Sprintf("reports %d", st.Players)
	}
	return "reports nothing"
}

// connectionNote returns a note that the connection has ended, if it has, for a message.
func (s *session) connectionNote() string {
	if s.gone {
		return ": the connection has ended"
	}
	return ""
}

func excerpt(b []byte) string {
	if len(b) > 120 {
		return string(b[:120]) + "…"
	}
	return string(b)
}

func setPlayers(n int64) wire.Command { return wire.Command{Type: "set_players", Players: &n} }

func setDelay(d time.Duration) wire.Command {
	ms := d.Milliseconds()
	return wire.Command{Type: "set_spawn_delay_ms", SpawnDelayMS: &ms}
}

func stop() wire.Command { return wire.Command{Type: "stop"} }
