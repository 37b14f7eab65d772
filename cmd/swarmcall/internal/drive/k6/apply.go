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
	codeRefused = "k6_refused"     // k6 said no
	codeStopped = "k6_not_stopped" // VUs still ran at the deadline
)

// Apply takes a command. A command for more or fewer players is acked when k6 has taken its first step, or, where that
// is not due yet, when k6 says that it runs; the VUs that really run stand in the heartbeats. A Stop is acked when no
// VU runs.
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
	first := g.control.head(n, false)
	if first == nil {
		return g.alive(ctx)
	}
	select {
	case err := <-first:
		return rejected(err)
	case <-ctx.Done(): // slow to initialise VUs perhaps; then it still tells its status
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 50*time.Millisecond)
		defer cancel()
		return g.alive(ctx)
	}
}

// alive is nil if k6 says that its run goes on.
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

// stop ends the load, by ending k6 if it must.
func (g *Generator) stop(ctx context.Context) error {
	first := g.control.head(0, true)
	if first != nil {
		select {
		case err := <-first:
			if err != nil {
				g.log.Warn("told k6 to go to 0 VUs", "error", err) // its status tells whether it has
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

// force is for a k6 that does not stop: one of the driver's own is killed, which stops it for sure.
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

// rejected makes an answer of an error of k6's.
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
