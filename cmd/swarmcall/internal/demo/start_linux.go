package demo

import (
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// startChild starts argv with a guard, which kills it and its descendants when the demo dies: --server may name a
// script that starts the server. Its output goes to log.
func startChild(name string, argv []string, log *tail) (*child, error) {
	p, err := proc.Start(argv, proc.Streams{Stderr: log})
	if err != nil {
		return nil, err
	}
	return newChild(name, log, guarded{p}), nil
}

// guarded is a process of package proc.
type guarded struct{ p *proc.Process }

// ask asks it to end. The demo kills it after its own patience; the guard's is only a last resort.
func (g guarded) ask()  { g.p.Terminate(time.Minute) }
func (g guarded) kill() { g.p.Kill() }

func (g guarded) wait() error {
	<-g.p.Ended()
	if e, ok := errors.AsType[*proc.Error](g.p.Failure()); ok {
		return errors.New(e.How) // the demo keeps the last lines itself
	}
	return nil
}
