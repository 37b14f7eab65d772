package conformance

import (
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// leave has the driver end in order, as a person would.
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
			s.fail(Leave, "went without a deregister, close code %d", s.conn.End())
		}
		return nil // or nobody ended it
	}
	s.conn.Close(wire.CloseDone)
	s.wait(slack, func() bool { return false })
	s.check(s.gone, Leave, "deregistered; the connection ended: %v", s.gone)
	s.away(Leave, wire.CloseDone)
	if s.process != nil {
		s.ended(Leave)
	}
	return nil
}

// ended wants the process to be over.
func (k *kit) ended(d Duty) {
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-k.process.Done():
		k.pass(d, "the process ended")
	case <-timer.C:
		k.fail(d, "the process runs on")
	case <-k.ctx.Done():
	}
}

// away wants nobody to connect for a while.
func (k *kit) away(d Duty, code wire.CloseCode) {
	closed := time.Now()
	timer := time.NewTimer(aloneness)
	defer timer.Stop()
	select {
	case c := <-k.script.Conns:
		k.fail(d, "came back %v after %d %s", c.OpenedAt.Sub(closed).Round(time.Millisecond), code, code.Text())
		c.Cut()
	case <-timer.C:
		k.pass(d, "did not come back after %d", code)
	case <-k.ctx.Done():
	}
}

// stopCodes closes fresh drivers with codes that say stop. That needs somebody to start them.
func (k *kit) stopCodes() error {
	if k.opts.Start == nil || k.id == "" {
		return nil
	}
	for _, code := range []wire.CloseCode{wire.CloseSuperseded, 4999} {
		if k.ctx.Err() != nil {
			return nil
		}
		k.say("a close that says stop: %d", code)
		if _, err := k.start(); err != nil {
			return err
		}
		k.instance, k.applied, k.logID = "", 0, ""
		s := k.fresh()
		if s == nil {
			k.fail(CloseCodes, "did not connect when it was started again")
			return nil
		}
		s.logID = "check-c.1"
		s.accept(welcome{onLeaseLost: "stop"})
		s.pause(2 * interval)
		s.conn.Close(code)
		k.away(CloseCodes, code)
	}
	return nil
}

// fresh is the first connection of a new process, which has an instance of its own.
func (k *kit) fresh() *session {
	id := k.id
	k.id = ""
	s := k.connection(k.opts.Patience)
	if k.id == "" {
		k.id = id
	}
	return s
}
