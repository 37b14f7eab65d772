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

// Generator is a running k6.
type Generator struct {
	*drive.Supervisor
	api     *api
	control *control
	poll    *poll
	log     *slog.Logger
	clean   func()
}

// newGenerator takes over a k6 with status s. process is nil if the driver did not start it.
func newGenerator(a *api, s status, process *proc.Process, log *slog.Logger) *Generator {
	g := &Generator{api: a, control: newControl(a, log, s), poll: &poll{api: a, last: s}, log: log, clean: func() {}}
	g.Supervisor = drive.Supervise(process, endTimeout, drive.Poll(pollEvery, lostAfter, g.poll.ask),
		func(ctx context.Context) error {
			g.control.run(ctx)
			return nil
		})
	return g
}

// State returns the VUs that run.
func (g *Generator) State() driver.State { return g.control.state(g.poll.vus()) }

// Metrics returns what k6 measured.
func (g *Generator) Metrics() map[string]float64 { return g.poll.metrics() }

// Close ends k6 if the driver started it, and otherwise leaves it running.
func (g *Generator) Close() {
	g.Supervisor.Close()
	g.api.client.CloseIdleConnections()
	g.clean()
}
