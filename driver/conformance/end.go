package conformance

import (
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// leave ends the driver in order, as a person would.
func (s *session) leave() *session {
	s.delay(10 * time.Millisecond)
	s.run(2)
	within := 5 * time.Second
	if s.process != nil {
		s.process.Leave()
	} else {
		within = s.opts.Patience
		s.say("end the driver now, with Ctrl-C or SIGTERM (waiting %v)", within)
	}
	if !s.wait(within, func() bool { return s.left }) {
		if s.gone {
			s.fail(Leave, "ended without a deregister, close code %d", s.conn.End())
		}
		return nil // or the driver was not ended
	}
	s.conn.Close(wire.CloseDone)
	s.wait(slack, func() bool { return false })
	s.check(s.gone, Leave, "deregistered; the connection ended: %v", s.gone)
	s.expectNoReconnect(Leave, described(wire.CloseDone))
	if s.process != nil {
		s.ended(Leave)
	}
	return nil
}

// ended expects the process to have ended.
func (k *kit) ended(d Duty) {
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-k.process.Done():
		k.pass(d, "the process ended")
	case <-timer.C:
		k.fail(d, "the process is still running")
	case <-k.ctx.Done():
	}
}

func described(code wire.CloseCode) string { return fmt.Sprintf("%d %s", code, code.Text()) }

// expectNoReconnect expects no connection for a while.
func (k *kit) expectNoReconnect(d Duty, after string) {
	closed := time.Now()
	timer := time.NewTimer(aloneness)
	defer timer.Stop()
	select {
	case c := <-k.script.Conns:
		k.fail(d, "reconnected %v after %s", c.OpenedAt.Sub(closed).Round(time.Millisecond), after)
		c.Drop()
	case <-timer.C:
		k.pass(d, "did not reconnect after %s", after)
	case <-k.ctx.Done():
	}
}

// stopCodes closes new drivers with codes that mean stop. That needs Options.Start.
func (k *kit) stopCodes() error {
	if k.opts.Start == nil || k.id == "" {
		return nil
	}
	for _, code := range []wire.CloseCode{wire.CloseSuperseded, 4999} {
		if k.ctx.Err() != nil {
			return nil
		}
		k.say("a close code that means stop: %d", code)
		if err := k.start(); err != nil {
			return err
		}
		s := k.fresh()
		if s == nil {
			k.fail(CloseCodes, "did not connect after a restart")
			return nil
		}
		s.accept(welcome{onLeaseLost: "stop"})
		s.pause(2 * interval)
		s.conn.Close(code)
		k.expectNoReconnect(CloseCodes, described(code))
	}
	return nil
}

// restart restarts the driver, if the kit can: its waits before it reconnects have become long by now, and those of a
// new process are short.
func (s *session) restart() *session {
	if s.opts.Start == nil {
		return s
	}
	if err := s.start(); err != nil {
		s.fail(Reconnect, "could not be restarted: %v", err)
		return nil
	}
	next := s.fresh()
	if next == nil {
		s.fail(Reconnect, "did not connect after a restart")
		return nil
	}
	next.accept(welcome{onLeaseLost: "stop"})
	next.run(2)
	return next.orBack()
}

// fresh waits for the first connection of a new process, which has its own instance and no log yet.
func (k *kit) fresh() *session {
	id := k.id
	k.id, k.applied = "", 0
	s := k.connection(k.opts.Patience)
	if k.id == "" {
		k.id = id
	}
	return s
}
