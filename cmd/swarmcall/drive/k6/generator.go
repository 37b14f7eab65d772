package k6

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/drive/proc"
	"github.com/swarmcall/swarmcall/driver"
)

// Generator is a k6 that runs.
type Generator struct {
	api     *api
	control *control
	poll    *poll
	process *proc.Process // nil: it is not the driver's
	log     *slog.Logger

	stopAll context.CancelFunc
	parts   sync.WaitGroup
	ended   chan struct{}
	err     error // read it after ended
	clean   func()
}

// newGenerator takes over a k6 whose status is s.
func newGenerator(a *api, s status, process *proc.Process, log *slog.Logger) *Generator {
	ctx, stop := context.WithCancel(context.Background())
	g := &Generator{
		api: a, control: newControl(a, log, s), poll: &poll{api: a, last: s}, process: process, log: log,
		stopAll: stop, ended: make(chan struct{}), clean: func() {},
	}
	gone := make(chan error, 1)
	g.parts.Go(func() { g.control.run(ctx) })
	g.parts.Go(func() {
		if err := g.poll.run(ctx); err != nil {
			gone <- err
		}
	})
	g.parts.Go(func() { g.watch(ctx, gone) })
	return g
}

// watch tells when no load can come of this k6 any more. How a process ended says more than that its API is gone.
func (g *Generator) watch(ctx context.Context, gone <-chan error) {
	var exited <-chan struct{}
	if g.process != nil {
		exited = g.process.Ended()
	}
	select {
	case <-ctx.Done():
		return
	case <-exited:
		g.err = g.process.Err()
	case g.err = <-gone:
		if g.process != nil {
			g.process.Close(endTimeout)
			g.err = g.process.Err()
		}
	}
	close(g.ended)
}

// State says how many VUs run.
func (g *Generator) State() driver.State { return g.control.state(g.poll.vus()) }

// Metrics returns what k6 measured.
func (g *Generator) Metrics() map[string]float64 { return g.poll.metrics() }

// Ended is closed when k6 has ended.
func (g *Generator) Ended() <-chan struct{} { return g.ended }

// Err says why.
func (g *Generator) Err() error { return g.err }

// endTimeout bounds how long k6 may take for its teardown and its summary.
const endTimeout = 10 * time.Second

// Close ends a k6 of the driver's own, and leaves another one alone.
func (g *Generator) Close() {
	g.stopAll()
	g.parts.Wait()
	if g.process != nil {
		g.process.Close(endTimeout)
	}
	g.api.client.CloseIdleConnections()
	g.clean()
}
