package locust

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/driver"
)

const (
	pollEvery  = time.Second
	lostAfter  = 5 * time.Second  // a Locust that does not answer for this long counts as ended
	endTimeout = 10 * time.Second // for its shutdown
)

// Generator is a running Locust.
type Generator struct {
	*drive.Supervisor
	api  *api
	log  *slog.Logger
	want want
	seen seen

	life     context.Context // context of the stops in progress
	end      context.CancelFunc
	stopping sync.WaitGroup
	stops    atomic.Int64 // number of stops in progress
}

// newGenerator takes over a Locust that shows v. process is nil if the driver did not start it.
func newGenerator(a *api, v view, process *proc.Process, log *slog.Logger) *Generator {
	g := &Generator{api: a, log: log, seen: seen{view: v}, want: want{users: v.Users}}
	g.life, g.end = context.WithCancel(context.Background())
	g.Supervisor = drive.Supervise(process, endTimeout, drive.Poll(pollEvery, lostAfter, g.ask))
	return g
}

// ask requests Locust's state and figures. Missing figures are not an error.
func (g *Generator) ask(ctx context.Context) (over, unanswered error) {
	ctx, cancel := context.WithTimeout(ctx, lostAfter)
	defer cancel()
	v, err := g.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("the Locust at %s does not answer: %w", g.api.base, err)
	}
	if s, err := g.api.stats(ctx); err == nil {
		g.seen.measured(figures(v, s))
	}
	return nil, nil
}

// figures returns Locust's figures by their names in heartbeats.
func figures(v view, s stats) map[string]float64 {
	f := map[string]float64{"rps": s.RPS}
	for _, entry := range s.Stats {
		if entry.Name == "Aggregated" {
			f["errors_per_s"] = entry.Failures
		}
	}
	for name, values := range map[string][]*float64{
		"latency_p50_ms": {s.P50, s.Percentiles["response_time_percentile_0.5"]},
		"latency_p95_ms": {s.P95, s.Percentiles["response_time_percentile_0.95"]},
	} {
		for _, value := range values {
			if value != nil {
				f[name] = *value
			}
		}
	}
	if v.Distributed {
		f["workers"] = float64(v.Workers)
	}
	return f
}

// look reads the page, and keeps the result for the heartbeats.
func (g *Generator) look(ctx context.Context) (view, error) {
	v, err := g.api.look(ctx)
	if err == nil {
		g.seen.set(v)
	}
	return v, err
}

// State returns the users that Locust shows.
func (g *Generator) State() driver.State {
	v := g.seen.get()
	return driver.State{
		Players: v.Users, SpawnDelayMS: g.want.spawnDelay().Milliseconds(),
		Running: v.Users > 0 || g.want.players() > 0,
	}
}

// Metrics returns what Locust measured.
func (g *Generator) Metrics() map[string]float64 { return g.seen.metrics() }

// Close ends Locust if the driver started it, and otherwise leaves it running.
func (g *Generator) Close() {
	g.Supervisor.Close()
	g.end()
	g.stopping.Wait()
	g.api.client.CloseIdleConnections()
}
