package driver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Run connects the driver to the server and serves commands until ctx ends. Then it lets a running Apply finish,
// deregisters (with the cause of ctx as the reason, if it has one), and returns nil. Deregistering takes at most 2 s;
// Run then waits for Apply, so nothing of the SDK is running after Run has returned.
//
// Run reconnects after a lost connection. It returns earlier only with an error that a retry cannot fix: an error about
// cfg, which names every invalid field, a *FileError, a *CloseError or a *HandshakeError. With several servers it is in
// the chain of an error that names the server. After such an error the context of a running Apply ends too.
func Run(ctx context.Context, cfg Config, h Handler) error {
	c, err := newClient(cfg, h)
	if err != nil {
		return err
	}
	return c.run(ctx)
}

// client is what the sessions of a driver share, for as long as Run runs.
type client struct {
	cfg      Config
	servers  servers
	http     *http.Client // for connections to servers
	instance string       // lets the server distinguish a reconnect from a second process
	log      *slog.Logger
	worker   *worker
	lease    *lease
	backoff  backoff
	oversize sync.Once // one warning about metrics is enough
	tooMany  sync.Once // one warning about this as well
}

func newClient(cfg Config, h Handler) (*client, error) {
	err := cfg.validate()
	if h == nil {
		err = errors.Join(err, errors.New("driver: the handler is nil"))
	}
	if err != nil {
		return nil, err
	}
	cfg.Labels, cfg.Header = maps.Clone(cfg.Labels), cfg.Header.Clone()
	cfg.Capabilities = slices.Clone(cfg.Capabilities)
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	log = log.With("driver_id", cfg.DriverID)
	servers, _ := serversOf(cfg.URL) // already validated
	return &client{
		cfg: cfg, servers: servers, http: throughTunnels(cfg.HTTPClient), instance: rand.Text(), log: log,
		lease: newLease(), backoff: newBackoff(len(servers.all)),
		worker: newWorker(h, limits{cfg.Capabilities, cfg.MaxPlayers, cfg.LocalStop}, log),
	}, nil
}

// run owns the goroutines that apply commands and watch the lease, and joins them: they outlive sessions, but not Run.
func (c *client) run(ctx context.Context) error {
	defer c.cfg.LocalStop.attach(c.worker)()
	for _, to := range c.servers.all {
		if proxy := proxyOf(c.http, to.url); proxy != "" {
			c.logOf(to).Info("the server is reached through a proxy", "proxy", proxy)
		}
	}
	working, stopWork := context.WithCancel(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { c.worker.run(working) })
	parts.Go(func() { c.keepLease(working) })
	err := c.keepConnected(ctx)
	stopWork()
	parts.Wait()
	return err
}

// keepConnected serves one session after the other until ctx ends or an error means stop.
func (c *client) keepConnected(ctx context.Context) error {
	for first := true; ctx.Err() == nil; first = false {
		to := c.servers.current()
		end := c.serve(ctx, to)
		if ctx.Err() != nil {
			break
		}
		action := c.actionAfter(end.err, first)
		if action == wire.Stop {
			return c.giveUp(to, end.err)
		}
		c.backoff.reset(end.health)
		floor := c.servers.next(holdAfter(action, end.retryAfter))
		wait := c.backoff.next(max(floor, end.drainHint))
		log := c.logOf(to)
		if c.servers.several() {
			log = log.With("next", c.servers.current().name)
		}
		log.Warn("not connected; trying again", "error", end.err, "wait", wait.Round(time.Millisecond))
		sleep(ctx, wait)
	}
	return nil
}

// giveUp returns the error that ends Run. Of several servers it names the one that caused it.
func (c *client) giveUp(to server, err error) error {
	c.logOf(to).Error("giving up", "error", err)
	if c.servers.several() {
		return fmt.Errorf("%s: %w", to.name, err)
	}
	return err
}

// logOf returns the log for events of the connection to a server, which say which of several it is.
func (c *client) logOf(to server) *slog.Logger {
	if c.servers.several() {
		return c.log.With("url", to.name)
	}
	return c.log
}

// ending describes how a session, or an attempt at one, ended.
type ending struct {
	err        error
	health     time.Duration // how long the driver was registered
	retryAfter time.Duration // how long this server wants to be left alone
	drainHint  time.Duration // the earliest reconnect, to any server: it spreads the drivers of a server that stops
}

// serve makes one connection and serves commands until it ends.
func (c *client) serve(ctx context.Context, to server) ending {
	p := new(pulse)
	conn, err := c.dial(ctx, to, p)
	if err != nil {
		end := ending{err: err}
		if refused, ok := errors.AsType[*HandshakeError](err); ok {
			end.retryAfter = refused.RetryAfter
		}
		return end
	}
	return newSession(ctx, c, to, conn, p).run(ctx)
}
