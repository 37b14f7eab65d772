package k6

import (
	"context"
	"log/slog"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/driver"
)

// endTimeout bounds how long k6 may take for its teardown and its summary.
const endTimeout = 10 * time.Second

// Generator is a k6 that runs.
type Generator struct {
	*drive.Supervisor
	api     *api
	control *control
	poll    *poll
	log     *slog.Logger
	clean   func()
}

// newGenerator takes over a k6 whose status is s. The process is nil if it is not the driver's.
func newGenerator(a *api, s status, process *proc.Process, log *slog.Logger) *Generator {
	g := &Generator{api: a, control: newControl(a, log, s), poll: &poll{api: a, last: s}, log: log, clean: func() {}}
	g.Supervisor = drive.Supervise(process, endTimeout, drive.Poll(pollEvery, lostAfter, g.poll.ask),
		func(ctx context.Context) error {
			g.control.run(ctx)
			return nil
		})
	return g
}

// State says how many VUs run.
func (g *Generator) State() driver.State { return g.control.state(g.poll.vus()) }

// Metrics returns what k6 measured.
func (g *Generator) Metrics() map[string]float64 { return g.poll.metrics() }

// Close ends a k6 of the driver's own, and leaves another one alone.
func (g *Generator) Close() {
	g.Supervisor.Close()
	g.api.client.CloseIdleConnections()
	g.clean()
}
