package process_test

import (
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// world is a server that may be down, its data directory, the proxy through which all clients reach it, and its
// drivers.
type world struct {
	t       *testing.T
	launch  launch
	server  *server
	proxy   *swarmtest.Proxy
	client  *client
	drivers []*light
}

// newWorld starts a server and n light drivers.
func newWorld(t *testing.T, n int, args ...string) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir(), n, args...)
}

func newWorldIn(t *testing.T, dir string, n int, args ...string) *world {
	t.Helper()
	w := &world{t: t, launch: launch{dir: dir, args: args}, proxy: swarmtest.NewProxy(t)}
	w.client = newClient(w.proxy.URL())
	w.up()
	w.drivers = drivers(t, w.proxy.URL(), n, nil)
	w.joined()
	return w
}

// up starts a server and makes it reachable.
func (w *world) up() {
	w.t.Helper()
	w.server = w.launch.mustStart(w.t)
	w.proxy.Forward(w.server.Addr)
}

// down kills the server. New connections wait for the next one.
func (w *world) down() {
	w.server.Kill()
	w.proxy.Forward("")
}

// joined waits until every driver is active.
func (w *world) joined() {
	w.t.Helper()
	eventually(w.t, patience, "every driver is active",
		func() bool { return w.client.active(w.t.Context()) == len(w.drivers) })
}
