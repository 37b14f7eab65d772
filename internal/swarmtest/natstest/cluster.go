// Package natstest runs NATS clusters for tests: one or three real nats-server processes with JetStream, which a test
// kills, pauses and restarts, and whose connections it cuts.
//
// All connections, of clients and between servers, go through TCP proxies. So addresses stay the same when a server
// starts again on other ports, and a partition is a proxy that lets nothing pass. A client must not learn addresses
// that bypass the proxies: the servers do not advertise any, and Cluster.Client has nats.IgnoreDiscoveredServers.
package natstest

import (
	"context"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// patience is how long a condition may take before the test gives up: an election takes up to nine seconds on an idle
// machine, and may be split.
const patience = 2 * time.Minute

// Options say what a cluster is like. Only Servers is required.
type Options struct {
	Servers int // 1 or 3

	// How clients authenticate. By default they do not.
	User, Password string // of the only user
	Creds          bool   // by a credentials file: Cluster.CredsFile

	TLS bool // for clients, by a certificate that Cluster.CAFile verifies

	// Config is a configuration file to run instead of the package's own. Flags replace its name, addresses and routes;
	// it must use $NATS_STORE_DIR as store directory. Env is added to the environment, for other variables in it.
	Config string
	Env    []string
}

// Cluster is a running cluster. It ends with the test. Its methods fail the test if what they wait for does not happen,
// so only the test's own goroutine may call them.
type Cluster struct {
	Servers   []*Server
	CredsFile string // of a user of an account with JetStream, if Options.Creds is set
	CAFile    string // if Options.TLS is set

	t    testing.TB
	opts Options

	mu    sync.Mutex
	doors [][]*swarmtest.Proxy // that clients go through, each with one proxy per server; the first is for URLs
	// Until the servers have met for the first time, only one of each two may connect to the other. Otherwise both do
	// at the same time, connections are closed as duplicates, and often no server wins the first election: the next is
	// four to nine seconds later.
	forming bool
}

// Start starts a cluster, and returns when it is ready for streams.
func Start(t testing.TB, opts Options) *Cluster {
	t.Helper()
	if opts.Servers != 1 && opts.Servers != 3 {
		t.Fatalf("a cluster of %d servers", opts.Servers)
	}
	c := &Cluster{t: t, opts: opts, forming: true}
	for i := range opts.Servers {
		c.Servers = append(c.Servers, c.newServer(i))
	}
	c.addDoor(t)
	if opts.Config == "" {
		c.opts.Config = c.configure()
	}
	for _, s := range c.Servers {
		s.launch()
	}
	for _, s := range c.Servers {
		s.listens()
	}
	c.WaitReady(t.Context())
	c.formed()
	return c
}

// formed opens the routes that were refused while the cluster formed.
func (c *Cluster) formed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forming = false
	for _, s := range c.Servers {
		s.forward()
	}
}

// URLs returns the URLs of all servers, separated by commas.
func (c *Cluster) URLs() string { return c.through(c.doors[0]) }

// URL returns the URL of one server.
func (c *Cluster) URL(server int) string { return c.through(c.doors[0][server : server+1]) }

// Client returns what a client needs beside the URLs: it connects again for ever and soon, and never to an address that
// bypasses the proxies.
func (c *Cluster) Client() []nats.Option {
	opts := []nats.Option{
		nats.IgnoreDiscoveredServers(), nats.MaxReconnects(-1), nats.ReconnectWait(50 * time.Millisecond),
		nats.ReconnectJitter(0, 0),
	}
	if c.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredsFile))
	}
	if c.CAFile != "" {
		opts = append(opts, nats.RootCAs(c.CAFile))
	}
	return opts
}

// Connect connects a client to the first of the URLs that answers, until the test ends.
func (c *Cluster) Connect(t testing.TB, urls string, more ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(urls, append(c.Client(), more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// through returns the URLs by which clients reach the servers behind some proxies.
func (c *Cluster) through(proxies []*swarmtest.Proxy) string {
	at := url.URL{Scheme: "nats"}
	if c.opts.TLS {
		at.Scheme = "tls"
	}
	if c.opts.User != "" {
		at.User = url.UserPassword(c.opts.User, c.opts.Password)
	}
	var urls []string
	for _, p := range proxies {
		at.Host = p.Addr()
		urls = append(urls, at.String())
	}
	return strings.Join(urls, ",")
}

// addDoor makes a proxy in front of each server.
func (c *Cluster) addDoor(t testing.TB) []*swarmtest.Proxy {
	var door []*swarmtest.Proxy
	for range c.Servers {
		door = append(door, swarmtest.NewProxy(t))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doors = append(c.doors, door)
	for i, s := range c.Servers {
		s.show(door[i])
	}
	return door
}

// behind returns the proxies that clients reach a server by.
func (c *Cluster) behind(server int) (proxies []*swarmtest.Proxy) {
	for _, door := range c.doors {
		proxies = append(proxies, door[server])
	}
	return proxies
}

// until waits for a condition. It asks again and again, because the servers do not tell.
func (c *Cluster) until(ctx context.Context, what string, met func(context.Context) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	var why error
	for {
		err := met(ctx)
		if err == nil {
			return
		}
		if ctx.Err() == nil { // else it is because of ctx
			why = err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			c.t.Fatalf("waiting for %s: %v (%v)", what, why, ctx.Err())
		}
	}
}
