package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/driver"
)

// Commands select the drivers by this label. It is the same each time, because the server keeps a desired state for
// every label.
const (
	labelKey   = "swarmcall.bench"
	labelValue = "on"
)

const joinTimeout = time.Minute

// swarm is the drivers of one measurement. They use the SDK, ack at once and do nothing else.
type swarm struct {
	cancel  context.CancelFunc
	running sync.WaitGroup
	there   chan struct{} // one value per registered driver
	ended   chan error    // one error per driver that cannot continue
}

// join starts the drivers and returns when all have registered. Call leave to end them, after an error too.
func join(ctx context.Context, o Options, name string) (*swarm, error) {
	life, cancel := context.WithCancel(context.WithoutCancel(ctx)) // so that they deregister after ctx has ended
	s := &swarm{cancel: cancel, there: make(chan struct{}, o.Drivers), ended: make(chan error, o.Drivers)}
	if _, err := o.Client.Drivers(ctx, remote.DriverFilter{Limit: 1}); err != nil {
		return s, err // drivers would retry forever if the server is not running
	}
	for i := range o.Drivers {
		s.start(life, o, name, i+1)
	}
	late := time.NewTimer(joinTimeout)
	defer late.Stop()
	for n := range o.Drivers {
		o.Progress("drivers", n, o.Drivers)
		select {
		case <-s.there:
		case err := <-s.ended:
			return s, drive.Refused(o.Client.URL(), err)
		case <-ctx.Done():
			return s, &clierr.Error{
				Code: clierr.Interrupted, What: fmt.Sprintf("interrupted; %d of %d drivers had "+
					"registered", n, o.Drivers),
			}
		case <-late.C:
			return s, &clierr.Error{
				Code: clierr.Timeout,
				What: fmt.Sprintf("only %d of %d drivers have registered after %v", n, o.Drivers, joinTimeout),
				Hint: "try fewer: --drivers",
			}
		}
	}
	return s, nil
}

func (s *swarm) start(life context.Context, o Options, name string, n int) {
	there := sync.OnceFunc(func() { s.there <- struct{}{} })
	cfg := driver.Config{
		URL: o.Client.Address(), DriverID: fmt.Sprintf("%s-%d", name, n),
		Labels: map[string]string{labelKey: labelValue}, Version: o.Version,
		TokenFile: o.TokenFile, CAFile: o.CAFile, InsecureToken: o.InsecureToken,
		OnConnect: func(driver.Session) { there() },
	}
	s.running.Go(func() {
		if err := driver.Run(life, cfg, driver.HandlerFunc(ack)); err != nil {
			s.ended <- err
		}
	})
}

func ack(context.Context, driver.Command) error { return nil }

// leave makes all drivers deregister, and waits until they have.
func (s *swarm) leave() {
	s.cancel()
	s.running.Wait()
}
