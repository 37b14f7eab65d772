package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

// How the connection to NATS behaves. A node must notice within a lease that it is cut off.
const (
	natsStart     = 30 * time.Second // for which a start waits for NATS
	natsTimeout   = 2 * time.Second  // of one attempt to connect
	natsRetry     = 250 * time.Millisecond
	natsPing      = time.Second
	natsPingsLost = 2
)

// checkNATS checks --nats-url and the flags that go with it.
func (c *Config) checkNATS() error {
	var errs []error
	bad := func(broken bool, text string) {
		if broken {
			errs = append(errs, errors.New(text))
		}
	}
	if c.NATSURL == "" {
		bad(c.NATSCreds != "", "--nats-creds needs --nats-url")
		bad(c.NATSCA != "", "--nats-ca needs --nats-url")
		return errors.Join(errs...)
	}
	for _, text := range strings.Split(c.NATSURL, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		bad(err != nil || u.Host == "" || (u.Scheme != "nats" && u.Scheme != "tls"),
			"--nats-url must be one or more of nats://HOST:PORT or tls://HOST:PORT, separated by commas")
	}
	d := Defaults()
	bad(c.NodeName == d.NodeName, "--nats-url needs --node-name: a name of its own for each server that shares the log")
	bad(c.AcceptDataLoss, "--accept-data-loss is for a log in --data-dir; remove it, or --nats-url")
	bad(c.LogSync != d.LogSync, "--log-sync is for a log in --data-dir; with --nats-url set sync_interval in NATS")
	return errors.Join(errs...)
}

// dialNATS connects to the NATS cluster, and waits for it if it is not there yet.
func dialNATS(ctx context.Context, cfg Config) (*nats.Conn, error) {
	opts := natsOptions(cfg)
	ctx, cancel := context.WithTimeout(ctx, natsStart)
	defer cancel()
	for warned := false; ; warned = true {
		conn, err := nats.Connect(cfg.NATSURL, opts...)
		if err == nil {
			return conn, nil
		}
		if !warned {
			cfg.Logger.Warn("waiting for NATS", "err", err)
		}
		select {
		case <-time.After(natsRetry):
		case <-ctx.Done():
			return nil, fmt.Errorf("cannot connect to NATS (check --nats-url, --nats-creds and --nats-ca): %w", err)
		}
	}
}

func natsOptions(cfg Config) []nats.Option {
	log := cfg.Logger
	opts := []nats.Option{
		nats.Name("swarmcall " + cfg.NodeName), nats.Timeout(natsTimeout), nats.MaxReconnects(-1),
		nats.ReconnectWait(natsRetry), nats.ReconnectJitter(natsRetry, natsRetry),
		nats.ReconnectBufSize(-1), // what cannot be sent now must not be sent later
		nats.PingInterval(natsPing), nats.MaxPingsOutstanding(natsPingsLost),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // else this server has closed the connection
				log.Warn("the connection to NATS was lost", "err", err)
			}
		}),
		nats.ReconnectHandler(func(c *nats.Conn) {
			log.Warn("connected to NATS again", "server", c.ConnectedServerName())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) { natsError(log, s, err) }),
	}
	if cfg.NATSCreds != "" {
		opts = append(opts, nats.UserCredentials(cfg.NATSCreds))
	}
	if cfg.NATSCA != "" {
		opts = append(opts, nats.RootCAs(cfg.NATSCA))
	}
	return opts
}

func natsError(log *slog.Logger, s *nats.Subscription, err error) {
	subject := ""
	if s != nil {
		subject = s.Subject
	}
	log.Warn("NATS reported an error", "subject", subject, "err", err)
}

// replicas returns how many servers store the log and the buckets.
func replicas(conn *nats.Conn) int { return stream.Replicas(conn) }
