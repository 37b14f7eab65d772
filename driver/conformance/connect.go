package conformance

import (
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// welcome is the content of the server's registered frame.
type welcome struct {
	lease       time.Duration // 0: a minute, which does not expire while the driver waits to reconnect
	onLeaseLost string
	desired     []wire.Desired
}

// connection waits for the driver to connect and register; nil if it does not.
func (k *kit) connection(within time.Duration) *session {
	timer := time.NewTimer(within)
	defer timer.Stop()
	ended := k.ending()
	for {
		select {
		case c := <-k.script.Conns:
			if s := k.greet(c); s != nil {
				return s
			}
		case <-ended: // the driver has ended: only a connection in progress may still arrive
			ended = nil
			timer.Reset(slack)
		case <-timer.C:
			return nil
		case <-k.ctx.Done():
			return nil
		}
	}
}

// greet reads the register. It returns nil for a connection that ended without a frame: the driver stopped waiting
// while the kit held the handshake.
func (k *kit) greet(c *script.Conn) *session {
	s := &session{kit: k, conn: c}
	k.pass(Handshake, "offered %s", wire.Subprotocol)
	timer := time.NewTimer(wire.RegisterTimeout)
	defer timer.Stop()
	select {
	case f, ok := <-c.Frames:
		if !ok {
			return nil
		}
		k.frames++
		if problem := problemOf(f); problem != "" || f.Type != wire.TypeRegister {
			k.fail(RegisterFirst, "began with %s %s", excerpt(f.Body), problem)
			s.send(wire.Error{
				Type: wire.TypeError, Code: wire.ErrorInvalidFrame, Detail: "the first frame must be a valid register",
			})
			c.Close(wire.CloseRegister)
			return nil
		}
		_ = f.Decode(&s.register) // was checked
		k.pass(RegisterFirst, "after %v", f.At.Sub(c.OpenedAt).Round(time.Millisecond))
	case <-timer.C:
		k.fail(RegisterFirst, "no register within %v", wire.RegisterTimeout)
		c.Close(wire.CloseRegister)
		return nil
	case <-k.ctx.Done():
		return nil
	}
	if want := k.opts.DriverID; want != "" && s.register.DriverID != want {
		k.say("refused %s; want %s", s.register.DriverID, want)
		c.Close(wire.CloseNotYours)
		return nil
	}
	k.identify(s.register)
	return s
}

// identify compares a register with the earlier ones.
func (k *kit) identify(r wire.Register) {
	if k.id == "" {
		k.id, k.instance, k.capabilities = r.DriverID, r.Instance, r.Capabilities
		return
	}
	k.check(r.DriverID == k.id, OneIdentity, "reconnected as %s", r.DriverID)
	switch {
	case r.Instance != k.instance:
		k.fail(OneIdentity, "instance was %q, is %q, though the process is the same", k.instance, r.Instance)
	case r.Instance != "":
		k.pass(OneIdentity, "same instance")
	}
}

// accept answers the register.
func (s *session) accept(w welcome) {
	s.accepted, s.lease = true, w.lease
	if w.lease == 0 {
		w.lease = time.Minute
	}
	s.send(wire.Registered{
		Type: wire.TypeRegistered, Session: fmt.Sprintf("check-%d", s.conn.N), LogID: s.logID,
		HeartbeatIntervalMS: interval.Milliseconds(), LeaseTTLMS: w.lease.Milliseconds(),
		OnLeaseLost: w.onLeaseLost, Desired: append([]wire.Desired{}, w.desired...),
	})
}

// back waits for the driver to reconnect after the connection was lost at lost, and checks its register. d requires a
// wait of at least floor; the jitter may add up to its cap.
func (k *kit) back(lost time.Time, floor time.Duration, d Duty) *session {
	s := k.connection(floor + comeback)
	if s == nil {
		k.fail(Reconnect, "did not reconnect within %v", floor+comeback)
		return nil
	}
	waited := s.conn.OpenedAt.Sub(lost)
	k.waits = append(k.waits, waited)
	if floor > 0 {
		k.check(waited >= floor, d, "reconnected after %v, want at least %v", waited.Round(time.Millisecond), floor)
	}
	k.howFar(s.register)
	return s
}

// howFar checks the progress in a register that is not the first.
func (k *kit) howFar(r wire.Register) {
	k.check(r.LogID == k.logID && r.AppliedSeq == k.applied, ReportProgress,
		"reports log %s at %d, want log %s at %d", r.LogID, r.AppliedSeq, k.logID, k.applied)
}
