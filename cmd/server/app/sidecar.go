package app

import (
	"context"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/sidecar"
	"github.com/swarmcall/swarmcall/web"
)

// recallPast reads the state that the last process stored beside the log. Without it the server starts with no
// remembered state.
func recallPast(cfg Config) sidecar.Memory {
	m, err := sidecar.Load(cfg.DataDir)
	if err != nil {
		cfg.Logger.Warn("cannot read the stored state of drivers and load chart; ignoring it",
			"err", err)
	}
	return m.Since(time.Now().Add(-max(cfg.ForgetAfter, cfg.LeaseTTL)))
}

// pagesPast returns the same state for the dashboard.
func pagesPast(m sidecar.Memory) web.Past {
	past := web.Past{At: m.At, Whole: !m.At.IsZero() && !m.Partial}
	for _, s := range m.Load {
		past.Samples = append(past.Samples, web.Sample(s))
	}
	return past
}

// present returns the state that the next process should remember.
func (s *server) present() sidecar.Memory {
	m := sidecar.Memory{Drivers: s.registry.Remembered()}
	for _, sample := range s.ui.Samples() {
		m.Load = append(m.Load, sidecar.Sample(sample))
	}
	return m
}

// rosterEvery is the interval at which the server checks whether drivers have connected or were lost since the last
// write.
const rosterEvery = time.Second

// keepPast stores the state for the next process, until ctx ends, and once more at the end.
func (s *server) keepPast(ctx context.Context) {
	keeper := sidecar.NewKeeper(sidecar.Config{Dir: s.cfg.DataDir, Take: s.present, Logger: s.cfg.Logger})
	var running sync.WaitGroup
	running.Go(func() { keeper.Run(ctx) })
	defer running.Wait()
	tick := time.NewTicker(rosterEvery)
	defer tick.Stop()
	open := s.registry.Open()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.registry.Left():
			keeper.Soon()
		case <-tick.C:
			if now := s.registry.Open(); now != open {
				open = now
				keeper.Changed()
			}
		}
	}
}

// totals describes when a total is split again.
func totals(r drivers.Resplit) string {
	switch r {
	case drivers.ResplitOnLoss:
		return "split again when a driver with a part is lost"
	case drivers.ResplitOnChange:
		return "split again when a driver with a part is lost, and when a driver without a part registers"
	case drivers.ResplitOff:
	}
	return "split again only when the total is set again"
}
