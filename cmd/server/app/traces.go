package app

import (
	"context"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/trace"
)

// Time limits of the traces in a stop.
const (
	settleGrace = 250 * time.Millisecond // the newest outcomes are read from the feed
	// the last spans are sent, while drivers are disconnected; a quarter of a second more to give up the rest
	traceGrace = time.Second
)

func (s *server) openTraces(ctx context.Context) (err error) {
	s.traces, err = trace.Open(ctx, trace.Config{
		Version: s.cfg.Version.Version, Node: s.cfg.NodeName, Logger: s.cfg.Logger,
	})
	return err
}

// abandonTraces ends what openTraces began, if the server does not start because of err.
func (s *server) abandonTraces(ctx context.Context, err error) {
	if err != nil {
		s.closeTraces(context.WithoutCancel(ctx))
	}
}

// followTraces ends spans by the records of the log that are appended from now on.
func (s *server) followTraces(ctx context.Context, components *sync.WaitGroup) {
	if s.traces == nil {
		return
	}
	from := s.feed.Last()
	components.Go(func() { s.traces.Follow(ctx, s.feed, from) })
}

// settleTraces waits until the spans of closed commands have ended. After that the feed may be closed.
func (s *server) settleTraces(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleGrace)
	defer cancel()
	s.traces.CatchUp(ctx, s.feed.Last())
}

// closeTraces sends the last spans.
func (s *server) closeTraces(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, traceGrace)
	defer cancel()
	if err := s.traces.Close(ctx); err != nil {
		s.cfg.Logger.Warn("stopped before all traces were sent", "err", err)
	}
}
