package natstest

import (
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// Isolate cuts a server off from the others. Clients still reach it.
func (c *Cluster) Isolate(server int) {
	for _, p := range c.routesOf(server) {
		cut(p)
	}
}

// Heal connects all servers with one another again.
func (c *Cluster) Heal() {
	for _, s := range c.Servers {
		for _, p := range s.routes {
			p.Silence(false)
		}
	}
}

// Link is how one client reaches the servers.
type Link struct {
	Proxies []*swarmtest.Proxy // one in front of each server
}

// Through returns the URLs of all servers, separated by commas, for a client whose connections the test wants to cut.
func (c *Cluster) Through(t testing.TB) (urls string, link *Link) {
	t.Helper()
	door := c.addDoor(t)
	return c.through(door), &Link{Proxies: door}
}

// Cut closes the client's connections, and lets new ones hang, until Heal.
func (l *Link) Cut() {
	for _, p := range l.Proxies {
		cut(p)
	}
}

// Silence lets nothing pass until Heal; connections stay open. The client has to notice by itself.
func (l *Link) Silence() {
	for _, p := range l.Proxies {
		p.Silence(true)
	}
}

// Heal lets everything pass again.
func (l *Link) Heal() {
	for _, p := range l.Proxies {
		p.Silence(false)
	}
}

// cut closes connections. It silences first, so that a connection that is made meanwhile is useless.
func cut(p *swarmtest.Proxy) {
	p.Silence(true)
	p.Cut()
}
