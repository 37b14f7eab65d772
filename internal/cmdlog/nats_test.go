package cmdlog

import (
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// natsServer is a nats-server in the test's process, with a listener.
type natsServer struct {
	opts server.Options
	*server.Server
}

// runNATS starts a server that the test may stop and start again at the same address.
func runNATS(t testing.TB, change ...func(*server.Options)) *natsServer {
	t.Helper()
	s := &natsServer{opts: server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true,
		MaxPayload: enginePayload, DisableJetStreamBanner: true, JetStreamMaxStore: 1 << 34, JetStreamMaxMemory: 1 << 26,
	}}
	for _, c := range change {
		c(&s.opts)
	}
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *natsServer) start(t testing.TB) {
	t.Helper()
	opts := s.opts
	var err error
	if s.Server, err = server.NewServer(&opts); err != nil {
		t.Fatal(err)
	}
	s.SetLoggerV2(&engineLogger{logger: slog.New(slog.DiscardHandler), die: func(error) {}}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the NATS server does not start")
	}
	s.opts.Port = s.Addr().(*net.TCPAddr).Port
}

func (s *natsServer) stop() {
	s.Shutdown()
	s.WaitForShutdown()
}

// dial connects as a server would.
func dial(t testing.TB, url string) *nats.Conn {
	t.Helper()
	c, err := nats.Connect(url, nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.ReconnectBufSize(-1), nats.IgnoreDiscoveredServers(),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// join opens the shared log on a server as a node; the test closes it.
func join(t testing.TB, url, node string, change ...func(*Shared)) *Log {
	t.Helper()
	l, err := tryJoin(t, url, node, change...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, l) })
	return l
}

func tryJoin(t testing.TB, url, node string, change ...func(*Shared)) (*Log, error) {
	t.Helper()
	cfg := Shared{Conn: dial(t, url), Node: node, Replicas: 1, MaxBytes: 256 << 20}
	for _, c := range change {
		c(&cfg)
	}
	return Connect(t.Context(), cfg)
}

// inStream makes the log use another stream, so that tests can share a server.
func inStream(name string) func(*Shared) {
	return func(cfg *Shared) { cfg.stream, cfg.subject = name, strings.ToLower(name)+".log" }
}

// runCluster starts three servers.
func runCluster(t testing.TB) (servers []*natsServer) {
	t.Helper()
	routes := make([]*url.URL, 3)
	ports := make([]int, 3)
	for i := range ports {
		ports[i] = freePort(t)
		routes[i] = &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", ports[i])}
	}
	for i, port := range ports {
		servers = append(servers, runNATS(t, func(o *server.Options) {
			o.ServerName = fmt.Sprintf("n%d", i)
			o.Cluster = server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: port}
			o.Routes = routes
		}))
	}
	return servers
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}

// collector receives what a log passes.
type collector struct {
	all  chan swarm.Appended
	hold chan struct{} // while it cannot be received from, the tail waits
}

func collect(l *Log) *collector {
	c := &collector{all: make(chan swarm.Appended, 100_000), hold: make(chan struct{})}
	close(c.hold)
	l.Notify(func(a swarm.Appended) {
		c.all <- a
		<-c.hold
	})
	return c
}

// next returns the next append.
func (c *collector) next(t testing.TB) swarm.Appended {
	t.Helper()
	select {
	case a := <-c.all:
		return a
	case <-time.After(30 * time.Second):
		t.Fatal("the tail shows nothing")
		return swarm.Appended{}
	}
}

// rest returns what has been passed.
func (c *collector) rest() (out []swarm.Appended) {
	for {
		select {
		case a := <-c.all:
			out = append(out, a)
		default:
			return out
		}
	}
}
