package driver

import (
	"context"
	"crypto/rand"
	"errors"
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
// cfg, which names every invalid field, a *FileError, a *CloseError or a *HandshakeError. After such an error the context
// of a running Apply ends too.
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
	url      string
	http     *http.Client // for connections to url
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
	url, _ := endpoint(cfg.URL) // already validated
	return &client{
		cfg: cfg, url: url, http: throughTunnels(cfg.HTTPClient), instance: rand.Text(), log: log, lease: newLease(),
		backoff: newBackoff(),
		worker:  newWorker(h, limits{cfg.Capabilities, cfg.MaxPlayers, cfg.LocalStop}, log),
	}, nil
}

// run owns the goroutines that apply commands and watch the lease, and joins them: they outlive sessions, but not Run.
func (c *client) run(ctx context.Context) error {
	defer c.cfg.LocalStop.attach(c.worker)()
	if proxy := proxyOf(c.http, c.url); proxy != "" {
		c.log.Info("the server is reached through a proxy", "proxy", proxy)
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
		end := c.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		action := c.actionAfter(end.err, first)
		if action == wire.Stop {
			c.log.Error("giving up", "error", end.err)
			return end.err
		}
		c.backoff.reset(end.health)
		wait := c.backoff.next(action, end.floor)
		c.log.Warn("not connected; trying again", "error", end.err, "wait", wait.Round(time.Millisecond))
		sleep(ctx, wait)
	}
	return nil
}

// ending describes how a session, or an attempt at one, ended.
type ending struct {
	err    error
	health time.Duration // how long the driver was registered
	floor  time.Duration // the earliest reconnect that the server allows
}

// serve makes one connection and serves commands until it ends.
func (c *client) serve(ctx context.Context) ending {
	p := new(pulse)
	conn, err := c.dial(ctx, p)
	if err != nil {
		end := ending{err: err}
		if refused, ok := errors.AsType[*HandshakeError](err); ok {
			end.floor = refused.RetryAfter
		}
		return end
	}
	return newSession(ctx, c, conn, p).run(ctx)
}
