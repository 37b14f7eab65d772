package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the HTTP server. There is no read or write timeout for whole requests: WebSockets and waiting submitters
// take longer than any; the router limits the time to read a body.
const (
	readHeaderTimeout = 5 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
	http2WriteTimeout = 30 * time.Second // after which a connection that accepts no data is closed
)

func httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
	}
}

// serve runs the components until ctx ends or one of them fails, then stops them.
func (s *server) serve(ctx context.Context, listening func(addr string)) error {
	var stopping atomic.Bool
	handler, err := s.handler(&stopping)
	if err != nil {
		return errors.Join(err, s.log.Close(context.WithoutCancel(ctx)), s.listener.Close(), s.ops.close())
	}
	web := s.webServer(handler)
	var components sync.WaitGroup // sequencer, sweeper and watchers; joined before the log is closed
	keepers, release := context.WithCancel(context.WithoutCancel(ctx))
	defer release()
	components.Go(s.dispatcher.Run)
	components.Go(func() { s.registry.Run(keepers) })
	components.Go(func() { s.keepSession(keepers) })
	components.Go(func() { s.keepPast(keepers) })
	components.Go(func() { s.watchLeases(keepers) })
	if s.nodes != nil {
		components.Go(func() { s.watchNATS(keepers) })
	}
	if s.access != nil {
		components.Go(func() { s.access.keeper.Run(keepers) })
	}
	if s.certs != nil {
		s.cfg.Reloads.Add(s.cfg.TLSCert, s.certs.Reload)
		components.Go(func() { s.certs.Run(keepers) })
	}
	watching, endStreams := context.WithCancel(keepers)
	components.Go(func() { _ = s.ui.Run(watching) }) // ends with its context and never otherwise
	counted := s.feed.Last()
	components.Go(func() { s.metrics.Commands.Follow(watching, s.feed, counted) })
	s.serveOps(&stopping, &components)
	if s.webhooks != nil {
		s.cfg.Reloads.Add(s.cfg.WebhooksFile, s.webhooks.Reload)
		components.Go(func() { s.webhooks.Run(watching) })
	}
	s.followTraces(watching, &components)
	failed := make(chan error, 1)
	components.Go(func() {
		if err := s.accept(web); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})
	if err := s.log.Check(ctx); err != nil {
		s.cfg.Logger.Warn("started, but commands are refused until the log accepts entries", "log_id", s.log.ID(),
			"last_seq", s.log.Last(), "err", err)
	} else {
		s.cfg.Logger.Info("ready", "log_id", s.log.ID(), "last_seq", s.log.Last())
	}
	listening(s.listener.Addr().String())
	var cause error
	select {
	case <-ctx.Done():
		s.cfg.Logger.Info("stopping")
	case cause = <-failed:
	case cause = <-s.log.Failed():
		cause = fmt.Errorf("the log failed, and no command may be sent without it: %w", cause)
	}
	stopping.Store(true)
	grace := roundGrace
	if cause != nil {
		grace = 0 // after a failure there is nothing to wait for
	}
	return errors.Join(cause, s.stop(context.WithoutCancel(ctx), grace, web, &components, release, endStreams))
}

// stop ends the components in an order that leaves no client waiting: it refuses new commands and ends open rounds,
// answers their submitters, disconnects the drivers with a hint when to reconnect, and closes the log last, because all
// of these write to it.
func (s *server) stop(
	ctx context.Context, grace time.Duration, web *http.Server, components *sync.WaitGroup, release, endStreams func(),
) error {
	soft, cancelSoft := context.WithTimeout(ctx, grace)
	defer cancelSoft()
	hard, cancelHard := context.WithTimeout(ctx, grace+outcomeGrace)
	defer cancelHard()
	if s.nodes != nil {
		s.handOver(ctx)
	}
	s.dispatcher.Shutdown(soft, hard)
	s.settleTraces(ctx)

	s.feed.Close()
	endStreams()
	answers, cancelAnswers := context.WithTimeout(ctx, answerGrace)
	defer cancelAnswers()
	if err := web.Shutdown(answers); err != nil {
		s.cfg.Logger.Warn("closed HTTP connections that did not end in time", "err", errors.Join(err, web.Close()))
	}
	closed := s.ops.close()

	components.Go(func() { s.closeTraces(ctx) }) // while drivers are disconnected
	drain, cancelDrain := context.WithTimeout(ctx, drainGrace)
	defer cancelDrain()
	s.touchSession()
	if s.nodes != nil {
		s.registry.EndRetired(drain, moveSpan)
	}
	s.registry.Shutdown(drain)
	release()
	components.Wait()

	closing, cancelClosing := context.WithTimeout(ctx, logGrace)
	defer cancelClosing()
	err := errors.Join(closed, s.access.close(), s.nodes.close(closing), s.log.Close(closing))
	s.cfg.Logger.Info("stopped")
	return err
}
