package nodes_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// node is a server of a cluster. Its URL stays the same when it starts again.
type node struct {
	t      *testing.T
	name   string
	dir    string
	args   []string
	urls   string         // of NATS, through link
	link   *natstest.Link // between the node and NATS
	door   *swarmtest.Proxy
	client *client
	server *proctest.Server
}

// newNode returns a node that has not been started.
func newNode(t *testing.T, nats *natstest.Cluster, name string, args ...string) *node {
	t.Helper()
	n := &node{t: t, name: name, dir: t.TempDir(), args: args, door: swarmtest.NewProxy(t)}
	n.urls, n.link = nats.Through(t)
	n.door.Refuse()
	n.client = newClient(n.door.URL())
	return n
}

// launch returns the command line of a server.
func launch(dir string, args ...string) *exec.Cmd {
	all := append([]string{"--listen", "127.0.0.1:0", "--data-dir", dir, "--heartbeat-interval", "200ms"}, args...)
	cmd := exec.CommandContext(context.Background(), filepath.Join(binaries, "server"), all...)
	// these variables are for the tests
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SWARMCALL_") })
	return cmd
}

// start starts the node, and returns when it listens. It may still wait for NATS then.
func (n *node) start() {
	n.t.Helper()
	cmd := launch(n.dir, append([]string{"--node-name", n.name, "--nats-url", n.urls}, n.args...)...)
	s, err := proctest.StartServer(cmd, patience)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if n.t.Failed() { // the runtime then prints what all goroutines do
			s.Signal(syscall.SIGCONT)
			s.Signal(syscall.SIGQUIT)
			s.EndsWithin(time.Second)
		}
		s.Kill()
		if n.t.Failed() {
			n.t.Logf("node %s, pid %d, said:\n%s", n.name, cmd.Process.Pid, s.Err)
		}
	})
	n.server = s
	n.door.Forward(s.Addr)
}

// kill is kill -9.
func (n *node) kill() {
	n.server.Kill()
	n.door.Refuse()
}

// stop ends the node with SIGTERM.
func (n *node) stop() {
	n.t.Helper()
	n.server.Signal(syscall.SIGTERM)
	if !n.server.EndsWithin(patience) {
		n.t.Fatalf("%s goes on after SIGTERM: %s", n.name, n.server.Err)
	}
	n.door.Refuse()
	if code := n.server.Code(); code != 0 {
		n.t.Errorf("%s ended with %d on SIGTERM: %s", n.name, code, n.server.Err)
	}
}

func (n *node) pause()  { n.server.Suspend() }
func (n *node) resume() { n.server.Signal(syscall.SIGCONT) }

// ready reports whether the node says that it is ready.
func (n *node) ready() bool {
	a, err := n.client.do(n.t.Context(), http.MethodGet, "/readyz", nil, "")
	return err == nil && a.status == http.StatusOK
}

// alive returns how many nodes are alive, as this node sees it.
func (n *node) alive() (alive int) {
	var health struct {
		Checks []struct{ Name, Detail string }
	}
	a, err := n.client.do(n.t.Context(), http.MethodGet, "/readyz", nil, "")
	if err != nil || json.Unmarshal(a.body, &health) != nil {
		return -1
	}
	for _, c := range health.Checks {
		if c.Name == "nodes" {
			_, _ = fmt.Sscanf(c.Detail, "%d alive", &alive)
		}
	}
	return alive
}

// lost waits until the others have seen that a node is not alive.
func (c *cluster) lost(n *node) {
	c.t.Helper()
	for _, other := range c.nodes {
		if other != n {
			eventually(c.t, fmt.Sprintf("%s sees that %s is lost", other.name, n.name),
				func() bool { return other.alive() == len(c.nodes)-1 })
		}
	}
}

// active returns how many drivers are active, as this node sees it.
func (n *node) active() int {
	var roster struct{ Counts struct{ Active int } }
	if n.client.get(n.t.Context(), "/drivers?limit=1", &roster) != nil {
		return -1
	}
	return roster.Counts.Active
}

// cluster is NATS, the nodes on it, and the URLs of all nodes.
type cluster struct {
	t     *testing.T
	nats  *natstest.Cluster
	nodes []*node
	urls  string // of the nodes, separated by commas
}

// newCluster starts three NATS servers and three nodes.
func newCluster(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, nats: natstest.Start(t, natstest.Options{Servers: 3})}
	var urls []string
	for i := range 3 {
		n := newNode(t, c.nats, fmt.Sprintf("n%d", i+1), args...)
		c.nodes = append(c.nodes, n)
		urls = append(urls, n.door.URL())
		n.start()
	}
	c.urls = strings.Join(urls, ",")
	c.ready()
	return c
}

// ready waits until all nodes are ready.
func (c *cluster) ready() {
	c.t.Helper()
	for _, n := range c.nodes {
		eventually(c.t, n.name+" is ready", n.ready)
	}
}

// joined waits until every node sees so many active drivers.
func (c *cluster) joined(drivers int) {
	c.t.Helper()
	for _, n := range c.nodes {
		eventually(c.t, fmt.Sprintf("%s sees %d active drivers", n.name, drivers),
			func() bool { return n.active() == drivers })
	}
}
