package natstest

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binary returns the path of nats-server in the version that go.mod requires. It is a tool of the module: the go
// command builds it once and keeps it in its cache, where all test processes find it.
var binary = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "tool", "-n", "nats-server").Output()
	if err != nil {
		return "", fmt.Errorf("building nats-server: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
})

// Server is a nats-server process. Its name, store directory and addresses for others stay the same when it starts
// again.
type Server struct {
	Name string

	c       *Cluster
	index   int
	dir     string
	routes  []*swarmtest.Proxy // that lead here, by the server that uses it; each server also has one to itself
	process *proctest.Process  // nil before the first
	// Where the process listens; empty while there is none. Guarded by the cluster's lock.
	client, route, monitor string
}

func (c *Cluster) newServer(index int) *Server {
	s := &Server{Name: fmt.Sprintf("n%d", index+1), c: c, index: index, dir: c.t.TempDir()}
	for range c.opts.Servers {
		s.routes = append(s.routes, swarmtest.NewProxy(c.t))
	}
	return s
}

// Start starts the server again, and returns when it listens. Cluster.WaitReady waits until it is current.
func (s *Server) Start() {
	s.c.t.Helper()
	s.launch()
	s.listens()
}

// Kill is kill -9. It returns when the process has ended.
func (s *Server) Kill() {
	s.c.t.Helper()
	s.end(syscall.SIGKILL)
}

// Stop sends SIGTERM, and returns when the process has ended.
func (s *Server) Stop() {
	s.c.t.Helper()
	s.end(syscall.SIGTERM)
	if code := s.process.Code(); code != 0 {
		s.c.t.Fatalf("%s ended with %d", s.Name, code)
	}
}

// Pid returns the process id.
func (s *Server) Pid() int { return s.process.Cmd.Process.Pid }

// Pause stops the process by SIGSTOP, and returns when nothing of it runs. Its connections stay open.
func (s *Server) Pause() { s.process.Suspend() }

// Resume lets a paused process continue.
func (s *Server) Resume() { s.process.Signal(syscall.SIGCONT) }

// Out returns what the process has logged since it was started last.
func (s *Server) Out() *proctest.Output { return s.process.Err }

// secret returns the password for routes to the server. Each server has its own: servers tell one another where the
// others are, and a route to such an address would bypass the proxies. It fails, because a server can only use its own
// password for it. Routes by the configuration have the password of the other server in their URL.
func (s *Server) secret() string { return "to-" + s.Name }

func (s *Server) launch() {
	s.c.t.Helper()
	path, err := binary()
	if err != nil {
		s.c.t.Fatal(err)
	}
	cmd := exec.Command(path, s.arguments()...) //nolint:gosec,noctx // G204: built here; it ends with the test
	cmd.Env = slices.Concat(os.Environ(), s.c.opts.Env, []string{"NATS_STORE_DIR=" + s.dir})
	cmd.SysProcAttr = endsWithParent()
	p, err := proctest.Start(cmd)
	if err != nil {
		s.c.t.Fatal(err)
	}
	s.process = p
	s.c.t.Cleanup(func() {
		p.Kill()
		if s.c.t.Failed() {
			s.c.t.Logf("%s, pid %d, said:\n%s", s.Name, cmd.Process.Pid, p.Err)
		}
	})
}

// arguments chooses ports that are free (-1), so that no other process can take them in between.
func (s *Server) arguments() []string {
	args := []string{
		"-c", s.c.opts.Config, "-n", s.Name, "-a", "127.0.0.1", "-p", "-1", "-m", "-1",
	}
	if len(s.c.Servers) == 1 {
		return args
	}
	listen := url.URL{Scheme: "nats", User: url.UserPassword("route", s.secret()), Host: "127.0.0.1:-1"}
	var routes []string
	for _, other := range s.c.Servers { // with itself, as usual: the size of the cluster is the number of routes
		to := url.URL{Scheme: "nats", User: url.UserPassword("route", other.secret()), Host: other.routes[s.index].Addr()}
		routes = append(routes, to.String())
	}
	return append(args, "-cluster", listen.String(), "-routes", strings.Join(routes, ","))
}

var (
	clients  = regexp.MustCompile(`Listening for client connections on (\S+)`)
	routes   = regexp.MustCompile(`Listening for route connections on (\S+)`)
	monitors = regexp.MustCompile(`Starting http monitor on (\S+)`)
)

// listens waits until the server listens, and lets the proxies forward to it.
func (s *Server) listens() {
	s.c.t.Helper()
	var client, route, monitor string
	found := func(said string) bool {
		client, monitor, route = first(clients, said), first(monitors, said), first(routes, said)
		return client != "" && monitor != "" && (route != "" || len(s.c.Servers) == 1)
	}
	if !s.process.Err.Until(found, s.process.Ended, patience) {
		s.c.t.Fatalf("%s does not listen: %s", s.Name, s.process.Err)
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.client, s.route, s.monitor = client, route, monitor
	s.forward()
}

func first(form *regexp.Regexp, said string) string {
	if m := form.FindStringSubmatch(said); m != nil {
		return m[1]
	}
	return ""
}

func (s *Server) end(sig syscall.Signal) {
	s.c.t.Helper()
	s.process.Signal(sig)
	if !s.process.EndsWithin(patience) {
		s.c.t.Fatalf("%s did not end", s.Name)
	}
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	s.client, s.route, s.monitor = "", "", ""
	s.forward()
}

// forward tells all proxies where the server is. The lock is held.
func (s *Server) forward() {
	for from, p := range s.routes {
		if s.c.forming && from < s.index {
			p.Refuse()
			continue
		}
		point(p, s.route)
	}
	for _, p := range s.c.behind(s.index) {
		s.show(p)
	}
}

// show lets a proxy for clients lead to the server. The lock is held.
func (s *Server) show(p *swarmtest.Proxy) { point(p, s.client) }

func point(p *swarmtest.Proxy, addr string) {
	if addr == "" {
		p.Refuse()
		return
	}
	p.Forward(addr)
}

// routesOf returns the proxies of all routes from or to a server.
func (c *Cluster) routesOf(server int) []*swarmtest.Proxy {
	all := slices.Clone(c.Servers[server].routes)
	for i, other := range c.Servers {
		if i != server {
			all = append(all, other.routes[server])
		}
	}
	return all
}
