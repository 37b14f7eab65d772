package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/swarmcall/swarmcall/internal/httpapi"
)

// checkOps checks --ops-listen.
func (c *Config) checkOps() error {
	if c.OpsListen == "" {
		return nil
	}
	port, err := portOf(c.OpsListen)
	if err != nil {
		return fmt.Errorf("--ops-listen is %q; it must be host:port, such as 127.0.0.1:9090", c.OpsListen)
	}
	if c.OpsListen == c.Listen && port != 0 {
		return fmt.Errorf("--ops-listen and --listen are both %s; give --ops-listen another port", c.Listen)
	}
	return nil
}

// ops is the address for operators. Without --ops-listen it is zero, and nothing is served.
type ops struct {
	listener net.Listener
	server   *http.Server
}

// listenOps opens --ops-listen.
func (s *server) listenOps(ctx context.Context) (err error) {
	if s.cfg.OpsListen == "" {
		return nil
	}
	if s.ops.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.cfg.OpsListen); err != nil {
		return fmt.Errorf("cannot listen on %s (choose another --ops-listen): %w", s.cfg.OpsListen, err)
	}
	addr := s.ops.listener.Addr().String()
	s.cfg.Logger.Info("serving metrics, health and profiles without credentials", "ops_addr", addr)
	if host, _, err := net.SplitHostPort(s.cfg.OpsListen); err == nil && !isLoopback(host) {
		s.cfg.Logger.Warn("--ops-listen is reachable from other machines: any client that reaches it reads metrics and "+
			"profiles", "ops_addr", addr)
	}
	return nil
}

// serveOps serves --ops-listen until close.
func (s *server) serveOps(stopping *atomic.Bool, components *sync.WaitGroup) {
	if s.ops.listener == nil {
		return
	}
	s.ops.server = httpServer(httpapi.NewOps(httpapi.Config{
		Log: patientLog{s.log, s.nodes}, Metrics: s.metrics.Handler(), Version: httpapi.Version(s.cfg.Version),
		Ready:  func(ctx context.Context) []httpapi.Check { return s.ready(ctx, stopping) },
		Listen: s.cfg.OpsListen, AllowedHosts: s.cfg.AllowedHosts, Logger: s.cfg.Logger,
	}))
	components.Go(func() {
		if err := s.ops.server.Serve(s.ops.listener); !errors.Is(err, http.ErrServerClosed) {
			s.cfg.Logger.Error("--ops-listen is not served any more", "err", err)
		}
	})
}

// close ends the address and its connections: a profile may take minutes.
func (o *ops) close() error {
	switch {
	case o.server != nil:
		return o.server.Close()
	case o.listener != nil:
		return o.listener.Close()
	}
	return nil
}
