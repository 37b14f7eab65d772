package drive

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
)

// Generator generates load according to commands. Its methods may be called from several goroutines, Apply from one at
// a time.
type Generator interface {
	// Apply applies a command, or rejects it with driver.Reject; any other error means that the generator did not
	// answer. When Apply has accepted a Stop, the load has ended.
	driver.Handler

	// State returns what runs now, not what is desired.
	State() driver.State

	// Metrics returns figures of the last seconds by name, such as "rps". It may return nil.
	Metrics() map[string]float64

	// Ended is closed when this generator can no longer generate load: its process has ended, or the process it was
	// attached to has.
	Ended() <-chan struct{}

	// Err returns the reason, after Ended.
	Err() error

	// Close ends the generator, and waits for it.
	Close()
}

// Codes of rejections.
const (
	codeEnded  = "generator_ended"
	codeSilent = "no_answer" // for errors of Apply that are not rejections
)

// endGrace is how long to wait for the end of a generator that did not answer: the end is noticed only after all its
// processes have ended.
const endGrace = 2 * time.Second

// guarded is a generator that may end during a command.
type guarded struct {
	Generator
	want *atomic.Int64 // players of the last accepted command; -1: none yet
}

func newGuarded(g Generator) guarded {
	want := new(atomic.Int64)
	want.Store(-1)
	return guarded{g, want}
}

// wanted returns the desired number of players; -1 if none was commanded.
func (g guarded) wanted() int64 { return g.want.Load() }

// accepted records the players of an accepted command.
func (g guarded) accepted(c driver.Command) {
	if row, known := c.Type.Row(); known && row.Slot == command.LoadSlot {
		g.want.Store(driver.State{}.After(c.Command()).Players)
	}
}

// Apply makes the generator apply c; its context also ends with the generator. If no load can run any more, a Stop
// succeeds.
func (g guarded) Apply(ctx context.Context, c driver.Command) error {
	if g.ended() {
		return g.late(c)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-g.Ended():
			cancel()
		case <-ctx.Done():
		}
	}()
	err := g.Generator.Apply(ctx, c)
	if err == nil {
		g.accepted(c)
		return nil
	}
	_, answered := errors.AsType[*driver.Rejection](err)
	if !answered {
		linger(ctx, endGrace)
	}
	switch {
	case g.ended():
		return g.late(c)
	case !answered:
		return driver.Reject(codeSilent, err.Error())
	}
	return err
}

func (g guarded) late(c driver.Command) error {
	if c.Type == driver.Stop {
		return nil
	}
	return driver.Reject(codeEnded, g.Err().Error())
}

func (g guarded) ended() bool {
	select {
	case <-g.Ended():
		return true
	default:
		return false
	}
}

// state returns what runs: no load after the generator has ended.
func (g guarded) state() driver.State {
	if g.ended() {
		return driver.State{SpawnDelayMS: g.State().SpawnDelayMS}
	}
	return g.State()
}

func (g guarded) metrics() map[string]float64 {
	if g.ended() {
		return nil
	}
	return g.Metrics()
}
