package metrics

import "github.com/swarmcall/swarmcall/internal/swarm"

// Sessions counts what happens at the connections of drivers.
type Sessions struct {
	received, sent, connections, disconnections counts
}

func newSessions(b *book) *Sessions {
	frames := b.counters("swarmcall_ws_messages_total",
		"Frames of drivers' connections. Pings, pongs and closes do not count.", "direction", "type")
	connections := b.counters("swarmcall_driver_connections_total",
		"Connections of drivers by how their handshake and registration ended.", "outcome")
	disconnections := b.counters("swarmcall_driver_disconnections_total",
		"Ends of registered sessions by reason.", "reason")
	return &Sessions{
		received:    countsOf(frames, []string{"register", "heartbeat", "command_ack", "deregister", other}, "in"),
		sent:        countsOf(frames, []string{"registered", "heartbeat_ack", "command", "drain", "error"}, "out"),
		connections: countsOf(connections, []string{"registered", "unregistered", "refused"}),
		disconnections: countsOf(disconnections,
			append([]string{"deregistered", "superseded"}, texts(swarm.Reasons())...)),
	}
}

// Received counts a frame of a driver.
func (s *Sessions) Received(frameType string) { s.received.add(frameType, 1) }

// Sent counts frames to a driver.
func (s *Sessions) Sent(frameType string, n int) { s.sent.add(frameType, n) }

// Connected counts a connection: registered, unregistered if it ended without that, or refused before the upgrade.
func (s *Sessions) Connected(outcome string) { s.connections.add(outcome, 1) }

// Disconnected counts the end of a registered session.
func (s *Sessions) Disconnected(reason string) { s.disconnections.add(reason, 1) }
