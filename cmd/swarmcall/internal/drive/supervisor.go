package drive

import (
	"context"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// Supervisor monitors a generator that is another process. It provides Ended, Err and Close of a Generator.
type Supervisor struct {
	process  *proc.Process // nil: the driver did not start it
	patience time.Duration
	stop     context.CancelFunc
	parts    sync.WaitGroup
	ended    chan struct{}
	err      error // read it after ended
}

// Supervise runs parts until Close. A part returns an error when the generator can no longer generate load. The
// process, if the driver started it, may take patience to end after it is asked to.
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

// Poll returns a part that calls ask at an interval. ask returns over if the generator can no longer generate load, and
// unanswered if it did not answer. Poll tolerates missing answers for as long as patience.
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

// watch records the end. How a process ended is more informative than that it does not answer.
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
			s.process.Close(s.patience) // it must not generate load without control
		}
	}
	close(s.ended)
}

// Ended is closed when the generator can no longer generate load.
func (s *Supervisor) Ended() <-chan struct{} { return s.ended }

// Err returns the reason, after Ended.
func (s *Supervisor) Err() error { return s.err }

// Kill kills the process at once if the driver started it, and reports whether it did.
func (s *Supervisor) Kill() bool {
	if s.process == nil {
		return false
	}
	s.process.Kill()
	return true
}

// Close ends the parts, and the process if the driver started it.
func (s *Supervisor) Close() {
	s.stop()
	s.parts.Wait()
	if s.process != nil {
		s.process.Close(s.patience)
	}
}
