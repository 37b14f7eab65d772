package app

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web"
)

// handler joins the components behind one router.
func (s *server) handler(stopping *atomic.Bool) (http.Handler, error) {
	public, err := publicURL(s.cfg.PublicURL)
	if err != nil {
		return nil, err // Validate has checked it before
	}
	trusted, err := trustedProxies(s.cfg.TrustedProxies)
	if err != nil {
		return nil, err
	}
	cfg := httpapi.Config{
		Commands: commands{s.admission()}, Log: patientLog{s.log, s.nodes}, Feed: s.feed, Fleet: s.registry,
		DriverSocket: s.registry.Handler, Pages: s.pages(stopping, public),
		Ready: func(ctx context.Context) []httpapi.Check { return s.ready(ctx, stopping) },
		Nodes: s.listNodes(stopping),
		Meter: requestMeter{s.metrics}, Metrics: s.metrics.Handler(),
		Version:         httpapi.Version(s.cfg.Version),
		DefaultDeadline: s.cfg.DefaultDeadline,
		Listen:          s.cfg.Listen, AllowedHosts: s.cfg.AllowedHosts, AllowedOrigins: s.cfg.AllowedOrigins,
		PublicURL: public, TrustedProxies: trusted,
		AccessRefused: func(w http.ResponseWriter, r *http.Request, err error) { s.ui.AccessRefused(w, r, err) },
		RefusedPage:   func(w http.ResponseWriter, r *http.Request, err error) { s.ui.Refused(w, r, err) },
		Logger:        s.cfg.Logger,
	}
	s.readMetrics(stopping)
	s.access.into(&cfg)
	return httpapi.New(cfg)
}

// ready lists the conditions for accepting commands.
func (s *server) ready(ctx context.Context, stopping *atomic.Bool) []httpapi.Check {
	takesCommands := httpapi.Check{Name: "server", OK: !stopping.Load()}
	if !takesCommands.OK {
		takesCommands.Detail = "the server is stopping"
	}
	used := s.log.Usage()
	log := httpapi.Check{
		Name: "log", OK: true,
		Detail: fmt.Sprintf("sync %s; %s of %s", s.log.SyncPolicy(), web.Bytes(used.Bytes), web.Bytes(used.Max)),
	}
	if err := s.log.Check(ctx); err != nil {
		log.OK, log.Detail = false, err.Error()
	}
	checks := []httpapi.Check{takesCommands, log}
	if s.nodes != nil {
		checks = append(checks, s.nodes.nodesCheck())
	}
	return checks
}

// commands adapts admission to httpapi's interface.
type commands struct{ admission }

func (c commands) Submit(ctx context.Context, s swarm.Submission) (httpapi.Call, bool, error) {
	r, err := c.admission.Submit(ctx, s)
	if err != nil {
		return nil, false, err
	}
	return r, r.Replayed, nil
}

func (c commands) Open(seq uint64) (httpapi.Call, bool) {
	call, ok := c.dispatcher.Call(seq)
	if !ok {
		return nil, false
	}
	return call, true
}

// waiting adapts admission to the dashboard: one call that waits for the outcome.
type waiting struct{ admission }

func (c waiting) Submit(ctx context.Context, s swarm.Submission) (swarm.Entry, error) {
	call, err := c.admission.Submit(ctx, s)
	if err != nil {
		return swarm.Entry{}, err
	}
	return call.Wait(ctx)
}
