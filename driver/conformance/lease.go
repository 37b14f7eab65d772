package conformance

import (
	"context"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// silence lets the lease expire: it sends no frame and no pong, and new connections are kept waiting. It returns the
// session that follows when the server is back.
func (s *session) silence(n int64) *session {
	s.silent = true
	s.conn.IgnorePings(true)
	s.hold()
	began := time.Now()
	s.pause(leaseTTL + slack)
	if !s.gone { // still connected: its heartbeats report what it does
		if st := s.state(); st != nil {
			s.check(st.Players == n, Lease, "connected, %v without a frame, %s", leaseTTL+slack, s.describeReport())
		}
		s.conn.Drop()
	} else {
		sleep(s.ctx, time.Until(began.Add(leaseTTL+slack)))
	}
	s.release()
	return s.back(time.Now(), 0, Reconnect)
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// leaseStop lets the lease expire: the driver has to stop without a command, report that, and resume its previous load.
func (s *session) leaseStop() *session {
	if s.lease == 0 || (!s.players(3) && !s.run(3)) {
		return s.orBack()
	}
	last := s.seq
	next := s.silence(0)
	if next == nil {
		return nil
	}
	next.lost(0, "stop")
	list := []wire.Desired{{Seq: last, Command: setPlayers(3)}}
	next.accept(welcome{lease: leaseTTL, onLeaseLost: "hold", desired: list})
	if next.desired(Resume, list) {
		if ok, told := next.reports(3); told {
			next.check(ok, Resume, "the same seq must make it run 3 again: %s", next.describeReport())
		}
	}
	return next.orBack()
}

// leaseHold lets the lease expire: the driver has to continue. An oversized frame comes first, and may end the session.
func (s *session) leaseHold() *session {
	if s.lease == 0 || (!s.players(3) && !s.run(3)) {
		return s.orBack()
	}
	last := s.seq
	s.sendText(`{"type":"x_long","x":"` + strings.Repeat("x", wire.MaxFrameBytes) + `"}`)
	next := s.silence(3)
	if next == nil {
		s.fail(Lenient, "failed after a frame of more than 32 KiB")
		return nil
	}
	s.pass(Lenient, "continued after a frame of more than 32 KiB")
	next.lost(3, "hold")
	list := []wire.Desired{{Seq: last, Command: setPlayers(1)}}
	next.accept(welcome{onLeaseLost: "stop", desired: list})
	if next.desired(Desired, list) {
		next.check(next.stays(3, 2), Desired, "same seq after a hold, content changed to 1 player, still 3 run: %s",
			next.describeReport())
	}
	return next.orBack()
}

// lost checks the register of a driver whose lease was lost.
func (s *session) lost(n int64, policy string) {
	s.check(s.register.LeaseLost, Resume, "register has lease_lost %v", s.register.LeaseLost)
	if st := s.register.State; st != nil {
		s.check(st.Players == n, Lease, "%s: ran 3, reconnected with %d", policy, st.Players)
	}
}
