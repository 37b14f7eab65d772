package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// away is what another node says about a driver that is or was connected to it. The registry's lock guards it.
type away struct {
	node     swarm.NodeID
	nodeLost bool // the node is lost, and the driver with it
	stale    bool // its heartbeats are late
	retiring bool // its session is about to end
	conflict *swarm.Conflict
}

// memberOf returns the member for a driver of another node.
func memberOf(node swarm.NodeID, p *swarm.Presence, now time.Time) *member {
	m := &member{
		id: p.ID, instance: p.Instance, labels: p.Labels, version: p.Version, capabilities: p.Capabilities,
		share: p.Share, leaseLost: p.LeaseLost, remoteAddr: p.RemoteAddr, connectedAt: p.ConnectedAt, owner: p.Owner,
		atRest: p.AtRest, registration: &registration{Registration: p.Registration(node.Name)}, away: &away{node: node},
	}
	m.adopt(p, now)
	return m
}

// adopt takes what the driver's node says about it now. The registry's lock is held.
func (m *member) adopt(p *swarm.Presence, now time.Time) {
	a := m.away
	a.nodeLost, a.stale, a.retiring, a.conflict = false, p.State == swarm.Stale, p.Retiring, p.Conflict
	m.beatAt, m.rtt, m.lostAt = now.Add(-max(0, p.HeartbeatAge)), max(0, p.RTT), notAfter(now, p.LostAt)
	m.misses.Store(0)
	if p.Unresponsive {
		m.misses.Store(swarm.MissesToFlag)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied, m.refused, m.metrics = p.AppliedSeq, p.Refused, p.Metrics
	m.report, m.reportedSeq, m.reported = p.Reported, p.ReportedSeq, p.HasReport
	m.lastAck = swarm.LastAck{}
	if p.LastAck != nil {
		m.lastAck = *p.LastAck
	}
}

// notAfter returns a time of another node, or now if that is earlier: clocks differ. The zero time stays zero.
func notAfter(now, t time.Time) time.Time {
	if t.After(now) {
		return now
	}
	return t
}
