package conformance

import (
	"errors"
	"strings"
	"time"
)

// part is one part of the script. It gets the session of the part before it and returns one for the next. Nil means
// that the driver is disconnected for good, and ends the script.
type part struct {
	name string
	run  func(*session) *session
}

var parts = []part{
	{"heartbeats", (*session).heartbeats},
	{"commands in order, and repeated", (*session).commands},
	{"unknown and invalid frames", (*session).leniency},
	{"a stop during a ramp", (*session).stopMidRamp},
	{"a close code that means back off", (*session).backOff},
	{"a drain, and a stop while it is disconnected", (*session).drain},
	{"a lost connection", (*session).cut},
	{"a new process for the rest", (*session).restart},
	{"an expired token, if the driver needs one", (*session).expiredToken},
	{"another log", (*session).anotherLog},
	{"a lease lost: stop", (*session).leaseStop},
	{"a lease lost: hold", (*session).leaseHold},
	{"the end", (*session).leave},
}

// play goes through the script.
func (k *kit) play() error {
	if err := k.start(); err != nil {
		return err
	}
	k.say("waiting for the driver")
	s := k.connection(k.opts.Patience)
	if s == nil {
		return errors.Join(k.ctx.Err(), ErrNoDriver)
	}
	k.say("%s has registered", k.id)
	s.first()
	for _, p := range parts {
		if s == nil || k.ctx.Err() != nil {
			break
		}
		k.say("%s", p.name)
		s = p.run(s)
	}
	k.sumUp()
	if err := k.stopCodes(); err != nil {
		return err
	}
	if err := k.refusedToken(); err != nil {
		return err
	}
	return k.ctx.Err()
}

// first accepts the driver for the first time, with an unknown field in the frame.
func (s *session) first() {
	s.pause(interval) // nothing may come before registered
	s.accepted = true
	s.sendText(`{"x_later":{"a":[1,null]},"type":"registered","session":"check-1","log_id":"` + s.logID + `",` +
		`"heartbeat_interval_ms":200,"lease_ttl_ms":60000,"on_lease_lost":"stop","desired":[]}`)
}

// sumUp decides the duties that need the whole script.
func (k *kit) sumUp() {
	if k.frames > 0 {
		k.pass(Frames, "%d frames", k.frames)
	}
	if k.answered > 0 {
		k.pass(Order, "%d commands answered, the slowest after %v", k.answered, k.slowest.Round(time.Millisecond))
	}
	var waits []string
	for _, w := range k.waits {
		waits = append(waits, w.Round(10*time.Millisecond).String())
	}
	if len(waits) > 0 {
		k.pass(Reconnect, "reconnected after %s", strings.Join(waits, ", "))
	}
}
