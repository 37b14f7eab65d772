package app

import "time"

// tryAnotherAfter is how long a node is without its lease, although it is connected to NATS, before it tries another
// NATS server.
const tryAnotherAfter = 3 * time.Second

// tryAnother connects to the next NATS server if the present one answers, but the lease cannot be renewed by it: that
// server may be cut off from the others, and the connection would stay as it is. While no server can store, this does
// not help, and does no harm either.
func (s *server) tryAnother(now time.Time) {
	n := s.nodes
	unheld := n.unheld.Load()
	if unheld == 0 || !n.conn.IsConnected() || len(n.conn.Servers()) < 2 {
		return
	}
	since := time.Unix(0, unheld)
	if n.triedAt.After(since) {
		since = n.triedAt
	}
	if now.Sub(since) < tryAnotherAfter {
		return
	}
	n.triedAt = now
	s.cfg.Logger.Warn("the node lease cannot be renewed by this NATS server; trying the next one",
		"server", n.conn.ConnectedServerName())
	_ = n.conn.ForceReconnect() // fails only if this server has closed the connection
}
