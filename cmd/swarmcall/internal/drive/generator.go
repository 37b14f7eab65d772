package drive

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
)

// Generator makes load as commands say. Its methods may be called from several goroutines, Apply from one at a time.
type Generator interface {
	// Apply takes a command, or says why not by driver.Reject; any other error says that the generator did not answer.
	// A Stop that it takes has ended the load.
	driver.Handler

	// State says what runs now, not what is wanted.
	State() driver.State

	// Metrics returns figures of the last seconds by name, such as "rps". It may return nil.
	Metrics() map[string]float64

	// Ended is closed when no load can come of this generator any more: its process has ended, or what it was attached
	// to is gone.
	Ended() <-chan struct{}

	// Err says why, after Ended.
	Err() error

	// Close ends the generator, and waits for it.
	Close()
}

// Codes of rejections.
const (
	codeEnded  = "generator_ended"
	codeSilent = "no_answer" // for errors of Apply that are no rejections
)

// deathThroes is how long the end of a generator may take to be noticed when it does not answer any more: it comes
// after that of all that the generator started.
const deathThroes = 2 * time.Second

// guarded is a generator that may end under a command.
type guarded struct {
	Generator
	want *atomic.Int64 // players that were commanded and accepted last; -1: none yet
}

func newGuarded(g Generator) guarded {
	want := new(atomic.Int64)
	want.Store(-1)
	return guarded{g, want}
}

// wanted returns how many players there are to be; -1 if nobody has said so.
func (g guarded) wanted() int64 { return g.want.Load() }

// accepted notes what a command wants.
func (g guarded) accepted(c driver.Command) {
	if row, known := c.Type.Row(); known && row.Slot == command.LoadSlot {
		g.want.Store(driver.State{}.After(c.Command()).Players)
	}
}

// Apply has the generator apply c; the context of that ends with the generator, too. Where nothing makes load, a Stop
// holds.
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
		linger(ctx, deathThroes)
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

// state of a generator that has ended is that nothing runs.
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
