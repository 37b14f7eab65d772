package conformance

import (
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func decimal(n uint64) string { return strconv.FormatUint(n, 10) }

// run commands n players, and reports whether the driver reports them.
func (s *session) run(n int64) bool {
	if !s.takes("set_players") || !s.apply(setPlayers(n)) {
		return false
	}
	ok, _ := s.reports(n)
	return ok
}

// desired checks that the answers to the desired commands arrive in order.
func (s *session) desired(d Duty, list []wire.Desired) (ok bool) {
	for _, want := range list {
		a, ok := s.answer(want.Seq, d)
		if !ok || !s.check(a.Status == wire.StatusApplied, d, "desired %s: %s", want.Command, a.Status) {
			return false
		}
	}
	return true
}

// returned checks the register of a driver that was running n players and did not lose its lease.
func (s *session) returned(n int64, running bool) {
	if s.register.LeaseLost {
		s.fail(Resume, "reports lease_lost, although the lease was not lost")
	}
	if st := s.register.State; st != nil && running {
		s.check(st.Players == n, AccurateReports, "ran %d players, reconnected with %d", n, st.Players)
	}
}

// backOff closes with a code that means back off.
func (s *session) backOff() *session {
	running := s.run(3)
	lost := time.Now()
	s.conn.Close(wire.CloseOverloaded)
	next := s.back(lost, 4*wire.ReconnectBase, CloseCodes)
	if next == nil {
		return nil
	}
	next.returned(3, running)
	next.accept(welcome{onLeaseLost: "stop"})
	next.pause(2 * interval)
	return next.orBack()
}

// drain drains the driver, and commands a stop while it is disconnected.
func (s *session) drain() *session {
	const hint = 700 * time.Millisecond
	running := s.run(3)
	s.send(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: hint.Milliseconds()})
	lost := time.Now()
	s.conn.Close(wire.CloseDrain)
	next := s.back(lost, hint, Drain)
	if next == nil {
		return nil
	}
	next.returned(3, running)
	if !next.takes("stop") {
		next.accept(welcome{onLeaseLost: "stop"})
		return next.orBack()
	}
	next.seq++
	list := []wire.Desired{{Seq: next.seq, Command: stop()}}
	next.accept(welcome{onLeaseLost: "stop", desired: list})
	if next.desired(Desired, list) {
		if ok, told := next.reports(0); told {
			next.check(ok, Desired, "stopped while it was disconnected, %s", next.describeReport())
		}
	}
	return next.orBack()
}

// cut ends the connection without a close frame, and a proxy answers the first request to connect. The desired state
// then has two commands. In one slot it is the seq that the driver already applied, with other content, which shows if
// the driver applies it again. In the other slot it is an older command, which the driver has to apply.
func (s *session) cut() *session {
	var list []wire.Desired
	if s.takes("set_spawn_delay_ms") && s.apply(setDelay(5*time.Millisecond)) {
		list = append(list, wire.Desired{Seq: s.seq, Command: setDelay(5 * time.Millisecond)})
		s.delay(10 * time.Millisecond)
	}
	running := s.run(3)
	if running {
		list = append(list, wire.Desired{Seq: s.seq, Command: setPlayers(1)})
	}
	s.behindProxy()
	s.conn.Drop()
	next := s.back(time.Now(), 0, Reconnect)
	if next == nil {
		s.fail(Reconnect, "it had received a 404 text/html, which is not a refusal by Swarmcall")
		return nil
	}
	next.returned(3, running)
	next.accept(welcome{onLeaseLost: "stop", desired: list})
	if next.desired(Desired, list) && running {
		next.check(next.stays(3, 2), Desired, "same seq, content changed to 1 player, still 3 run: %s",
			next.describeReport())
		if st := next.state(); st != nil && len(list) == 2 {
			next.check(st.SpawnDelayMS == 5, Desired, "an older spawn delay of 5 ms: reports %d ms", st.SpawnDelayMS)
		}
	}
	return next.orBack()
}

// anotherLog simulates a server that lost its log: seqs start again.
func (s *session) anotherLog() *session {
	s.conn.Drop()
	next := s.back(time.Now(), 0, Reconnect)
	if next == nil {
		return nil
	}
	next.logID, next.seq, next.applied = "check-b.1", 1, 0
	if !next.takes("set_players") {
		next.accept(welcome{onLeaseLost: "stop"})
		return next.orBack()
	}
	list := []wire.Desired{{Seq: 1, Command: setPlayers(2)}}
	next.accept(welcome{lease: leaseTTL, onLeaseLost: "stop", desired: list})
	if next.desired(AnotherLog, list) {
		if ok, told := next.reports(2); told {
			next.check(ok, AnotherLog, "seq 1 commands 2 players, %s", next.describeReport())
		}
		if next.apply(setPlayers(3)) {
			ok, told := next.reports(3)
			if told {
				next.check(ok, AnotherLog, "seq 2 commands 3 players, %s", next.describeReport())
			}
		}
	}
	return next.orBack()
}
