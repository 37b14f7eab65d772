package conformance

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// heartbeats checks two intervals; a heartbeat_ack sets the second one.
func (s *session) heartbeats() *session {
	if !s.paced(interval) {
		return s.orBack()
	}
	s.interval = longer
	if !s.wait(2*longer+slack, func() bool { return s.interval == 0 }) {
		return s.orBack()
	}
	s.pause(longer) // one at the old interval may be on its way
	s.paced(longer)
	s.interval = interval
	s.wait(2*longer+slack, func() bool { return s.interval == 0 })
	return s.orBack()
}

// paced watches six heartbeats, and reports whether they arrived at the interval.
func (s *session) paced(every time.Duration) bool {
	const enough = 6
	from := len(s.beats)
	s.wait(enough*2*every+slack, func() bool { return len(s.beats) >= from+enough })
	seen := s.beats[from:]
	if len(seen) < 2 {
		s.fail(Heartbeats, "%d heartbeats in %v, want one each %v%s", len(seen), enough*2*every+slack, every,
			s.connectionNote())
		return false
	}
	mean := seen[len(seen)-1].at.Sub(seen[0].at) / time.Duration(len(seen)-1)
	return s.check(6*every/10 < mean && mean < 16*every/10, Heartbeats, "one each %v of %v",
		mean.Round(time.Millisecond), every)
}

// orBack returns s, or the next session if s has ended, which is an error.
func (s *session) orBack() *session {
	s.wait(0, func() bool { return false })
	if !s.gone {
		return s
	}
	s.fail(Reconnect, "ended the session, close code %d", s.conn.End())
	next := s.back(time.Now(), 0, Reconnect)
	if next != nil {
		next.accept(welcome{onLeaseLost: "stop"})
	}
	return next
}

// commands sends commands one by one, then a burst, and then repeats two seqs.
func (s *session) commands() *session {
	if !s.takes("set_players") {
		return s
	}
	s.delay(10 * time.Millisecond)
	if !s.apply(setPlayers(2)) {
		return s.orBack()
	}
	if ok, told := s.reports(2); told {
		s.check(ok, AccurateReports, "commanded to run 2, %s", s.describeReport())
	}
	s.burst()
	s.duplicates()
	return s.orBack()
}

// delay sets the spawn delay, if the driver supports it.
func (s *session) delay(d time.Duration) {
	if s.takes("set_spawn_delay_ms") {
		s.apply(setDelay(d))
	}
}

// burst sends several commands at once, with gaps in the seqs.
func (s *session) burst() {
	var seqs []uint64
	for _, n := range []int64{1, 2, 3, 2, 3} {
		s.seq += 2
		s.command(setPlayers(n))
		seqs = append(seqs, s.seq)
	}
	for _, seq := range seqs {
		a, ok := s.answer(seq, Order)
		if !ok {
			return
		}
		s.check(a.Status == wire.StatusApplied, Order, "%s in a burst", a.Status)
	}
	if ok, told := s.reports(3); told {
		s.check(ok, AccurateReports, "finally commanded to run 3, %s", s.describeReport())
	}
}

// duplicates sends a seq from a gap of the burst, and the newest seq again, both with other content, which shows if the
// driver applies it.
func (s *session) duplicates() {
	for _, seq := range []uint64{s.seq - 3, s.seq} {
		s.sendCommand(seq, setPlayers(1))
		a, ok := s.answer(seq, Once)
		if !ok || !s.check(a.Status == wire.StatusApplied, Once, "an old seq is answered again: %s", a.Status) {
			return
		}
	}
	if s.state() != nil {
		s.check(s.stays(3, 2), Once, "its content changed to 1 player, still 3 run: %s", s.describeReport())
	}
}

// leniency sends frames that a driver has to ignore, and commands that it has to reject.
func (s *session) leniency() *session {
	for _, frame := range []string{
		`{"type":"x_weather","sun":true}`,
		`{"type":"error","code":"x_check","detail":"to be ignored"}`,
	} {
		s.sendText(frame)
	}
	if s.takes("set_players") {
		s.seq++
		s.sentAt = time.Now()
		s.sendText(`{"x_trace":"a","deadline_ms":2000,"command":{"x_why":{},"players":2,"type":"set_players"},` +
			`"seq":` + decimal(s.seq) + `,"type":"command"}`)
		a, ok := s.answer(s.seq, Lenient)
		if !ok {
			return s.orBack()
		}
		s.check(a.Status == wire.StatusApplied, Lenient, "a command with unknown fields, after unknown frames: %s",
			a.Status)
	}
	s.refusals()
	s.pinged()
	return s.orBack()
}

// refusals sends invalid commands, which every driver must reject.
func (s *session) refusals() {
	for _, c := range []struct {
		command wire.Command
		code    string
	}{
		{wire.Command{Type: "x_fly"}, "unsupported_command"},
		{wire.Command{Type: "set_players"}, "invalid_command"},
	} {
		if !s.takes("set_players") {
			continue
		}
		seq := s.command(c.command)
		a, ok := s.answer(seq, ExplicitRejection)
		if !ok {
			return
		}
		s.check(a.Status == wire.StatusRejected && a.Code == c.code, ExplicitRejection,
			"invalid %s: %s %s", c.command, a.Status, a.Code)
		s.sendCommand(seq, c.command)
		again, ok := s.answer(seq, Once)
		if ok {
			s.check(again == a, Once, "rejected once, and again: %s %s", again.Status, again.Code)
		}
	}
}

func (s *session) pinged() {
	ctx, cancel := context.WithTimeout(s.ctx, deadline)
	defer cancel()
	start := time.Now()
	if err := s.conn.Ping(ctx); err != nil {
		s.fail(Pings, "no pong within %v", deadline)
		return
	}
	s.pass(Pings, "pong after %v", time.Since(start).Round(time.Millisecond))
}

// stopMidRamp starts a long ramp, and stops it.
func (s *session) stopMidRamp() *session {
	if !s.takes("stop") || !s.takes("set_players") {
		return s
	}
	const step = 300 * time.Millisecond
	s.delay(step)
	most := s.opts.Players
	if !s.apply(setPlayers(most)) {
		return s.orBack()
	}
	begun, from := time.Now(), len(s.beats)
	s.wait(2*step+2*interval, func() bool { return len(s.beats) >= from+4 })
	if st := s.state(); st != nil && s.takes("set_spawn_delay_ms") && len(s.beats) > from {
		atMost := int64(time.Since(begun)/step) + 4 // 3 may have run before
		s.check(st.Players <= atMost, AccurateReports, "%v into a ramp to %d, %v a player, reports %d",
			time.Since(begun).Round(100*time.Millisecond), most, step, st.Players)
	}
	if !s.apply(stop()) {
		s.fail(Stop, "stop was not applied")
		return s.orBack()
	}
	stopped := time.Now()
	ok, told := s.reports(0)
	if told {
		s.check(ok, Stop, "within %v, %s", time.Since(stopped).Round(time.Millisecond), s.describeReport())
		s.check(s.stays(0, 4), Stop, "nothing starts later: %s", s.describeReport())
	}
	s.delay(10 * time.Millisecond)
	return s.orBack()
}
