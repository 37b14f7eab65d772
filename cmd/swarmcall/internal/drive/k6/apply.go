package k6

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/driver"
)

// Codes of rejections.
const (
	codeRefused = "k6_refused"     // k6 refused the change
	codeStopped = "k6_not_stopped" // VUs still ran at the deadline
)

// Apply applies a command. SetPlayers is acked when k6 has applied the first step of the ramp or, if that is not due
// yet, when k6 reports that its run continues; heartbeats report the VUs that really run. A Stop is acked when no VU
// runs.
func (g *Generator) Apply(ctx context.Context, c driver.Command) error {
	ctx, cancel := drive.Patience(ctx, c)
	defer cancel()
	switch c.Type {
	case driver.SetPlayers:
		return g.setPlayers(ctx, c.Players)
	case driver.SetSpawnDelay:
		g.control.setDelay(c.SpawnDelay())
		return nil
	case driver.Stop:
		return g.stop(ctx)
	default:
		return driver.Reject("unsupported_command", string(c.Type))
	}
}

func (g *Generator) setPlayers(ctx context.Context, n int64) error {
	first := g.control.setTarget(n, false)
	if first == nil {
		return g.alive(ctx)
	}
	select {
	case err := <-first:
		return rejected(err)
	case <-ctx.Done(): // k6 may be slow to initialise VUs; then it still reports its status
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 50*time.Millisecond)
		defer cancel()
		return g.alive(ctx)
	}
}

// alive returns nil if k6 reports that its run continues.
func (g *Generator) alive(ctx context.Context) error {
	s, err := g.api.status(ctx)
	if err != nil {
		return rejected(err)
	}
	g.poll.saw(s)
	if s.Stopped {
		return rejected(errStopped)
	}
	return nil
}

// stop ends the load. If k6 does not stop in time, stop calls force.
func (g *Generator) stop(ctx context.Context) error {
	first := g.control.setTarget(0, true)
	if first != nil {
		select {
		case err := <-first:
			if err != nil {
				g.log.Warn("told k6 to go to 0 VUs", "error", err) // its status shows whether it did
			}
		case <-ctx.Done():
			return g.force()
		}
	}
	var vus int64 = -1
	if drive.Until(ctx, 20*time.Millisecond, func() bool {
		if s, err := g.api.status(ctx); err == nil {
			g.poll.saw(s)
			vus = s.VUs
		}
		return vus == 0
	}) {
		return nil
	}
	return g.force()
}

// force kills a k6 that does not stop, if the driver started it. That surely ends the load.
func (g *Generator) force() error {
	g.log.Error("k6 did not stop; it is killed if this driver started it", "vus", g.poll.vus())
	if !g.Kill() {
		return driver.Reject(codeStopped,
			fmt.Sprintf("%d VUs still run, and this driver did not start this k6, so it does not kill "+
				"it", g.poll.vus()))
	}
	g.poll.saw(status{})
	return nil
}

// rejected turns a refusal of k6 into a rejection. It returns other errors unchanged.
func rejected(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*refusal](err); ok {
		return driver.Reject(codeRefused, r.Error())
	}
	if errors.Is(err, errStopped) {
		return driver.Reject(codeRefused, err.Error())
	}
	return err
}
