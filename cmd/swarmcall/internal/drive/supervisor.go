package drive

import (
	"context"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// Supervisor watches over a generator that is another process, for the adapter to it: Ended, Err and Close of a
// Generator.
type Supervisor struct {
	process  *proc.Process // nil: it is not the driver's
	patience time.Duration
	stop     context.CancelFunc
	parts    sync.WaitGroup
	ended    chan struct{}
	err      error // read it after ended
}

// Supervise runs parts until Close. A part that returns an error says by it that no load can come of the generator any
// more. The process, if it is the driver's own, has patience to end when it is asked to.
func Supervise(process *proc.Process, patience time.Duration, parts ...func(context.Context) error) *Supervisor {
	ctx, stop := context.WithCancel(context.Background())
	s := &Supervisor{process: process, patience: patience, stop: stop, ended: make(chan struct{})}
	gone := make(chan error, len(parts))
	for _, part := range parts {
		s.parts.Go(func() {
			if err := part(ctx); err != nil {
				gone <- err
			}
		})
	}
	s.parts.Go(func() { s.watch(ctx, gone) })
	return s
}

// Poll makes a part of asking the generator every so often. Ask says why no load can come of it any more, or that it
// did not answer: that is borne for as long as patience.
func Poll(
	every, patience time.Duration, ask func(context.Context) (over, unanswered error),
) func(context.Context) error {
	return func(ctx context.Context) error {
		again := time.NewTicker(every)
		defer again.Stop()
		heard := time.Now()
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-again.C:
			}
			over, unanswered := ask(ctx)
			switch {
			case ctx.Err() != nil:
				return nil
			case over != nil:
				return over
			case unanswered == nil:
				heard = time.Now()
			case time.Since(heard) > patience:
				return unanswered
			}
		}
	}
}

// watch notes the end. How a process ended says more than that it does not answer.
func (s *Supervisor) watch(ctx context.Context, gone <-chan error) {
	var exited <-chan struct{}
	if s.process != nil {
		exited = s.process.Ended()
	}
	select {
	case <-ctx.Done():
		return
	case <-exited:
		s.err = s.process.Err()
	case s.err = <-gone:
		if s.process != nil {
			s.process.Close(s.patience) // it must make no load without control
		}
	}
	close(s.ended)
}

// Ended is closed when no load can come of the generator any more.
func (s *Supervisor) Ended() <-chan struct{} { return s.ended }

// Err says why, after Ended.
func (s *Supervisor) Err() error { return s.err }

// Kill ends a process of the driver's own at once, and reports whether it is one.
func (s *Supervisor) Kill() bool {
	if s.process == nil {
		return false
	}
	s.process.Kill()
	return true
}

// Close ends the parts, and a process of the driver's own; another one it leaves alone.
func (s *Supervisor) Close() {
	s.stop()
	s.parts.Wait()
	if s.process != nil {
		s.process.Close(s.patience)
	}
}
