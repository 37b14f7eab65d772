package drivers

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// member is a known driver with the data of its last register frame. It is connected, or was lost and is not forgotten
// yet. Its home is the node that it is or was connected to: this node, or another one that describes it.
//
// A driver that registers again becomes a new member, which inherits what the register frame does not contain. So the
// data of the frame is fixed and read without a lock, and late frames of a replaced session go to a member that is no
// longer in use.
type member struct {
	// The fields that Offer reads come first: it goes through all members, which do not fit into a CPU's cache.
	id           string
	session      *session // on this node, nil once it has ended; guarded by the registry's lock
	labels       map[string]string
	capabilities []string
	misses       atomic.Int32 // deadlines in a row that the driver missed
	leaseLost    bool         // from the register frame
	reported     bool         // there is a report; guarded by mu

	share       swarm.Share
	owner       string // name of the principal that the id belongs to; "" while authentication is off
	version     string
	instance    string
	remoteAddr  string
	connectedAt time.Time
	atRest      uint64 // at rest when it registered: it received no Stop of the server itself up to this seq; else 0

	registration *registration

	// Guarded by the registry's lock.
	away   *away     // what another node says about it; nil if its home is this node
	lostAt time.Time // when its session ended; zero while it is connected
	beatAt time.Time // the last heartbeat of a session that has ended, or is on another node
	rtt    time.Duration
	rivals rivalry

	mu      sync.Mutex // guards what the driver reported
	applied uint64
	refused map[command.Slot]uint64 // the newest command of each slot that the driver rejected, if it was in force
	lastAck swarm.LastAck           // Seq 0: none
	report  swarm.Report
	// reportedSeq is the newest command that report counts for: the driver had acked it, or reported it as applied.
	reportedSeq uint64
	metrics     map[string]float64
}

// registration is separate from the member, so that a member takes a whole number of cache lines.
type registration struct {
	swarm.Registration               // never changed
	revision           atomic.Uint64 // of the member's last change, see touch; of a member of this node
}

// newMember returns the member for a session with a valid register frame. logID is the log whose seqs the frame refers
// to, and offered is the last command that was offered.
func newMember(s *session, reg *wire.Register, logID string, offered uint64) *member {
	m := &member{
		id: reg.DriverID, instance: reg.Instance, labels: reg.Labels, version: reg.Version,
		capabilities: reg.Capabilities, share: shareOf(reg), leaseLost: reg.LeaseLost,
		remoteAddr: s.remoteAddr, connectedAt: s.since, session: s, owner: ownerName(s.principal),
		registration: &registration{Registration: swarm.Registration{Session: s.token}},
	}
	if reg.LogID == logID {
		m.applied = min(reg.AppliedSeq, offered)
	}
	if reg.State != nil {
		m.report, m.reportedSeq, m.reported = *reg.State, m.applied, true
		if reg.State.AtRest() && !reg.State.Running {
			m.atRest = offered
		}
	}
	return m
}

// inherit takes over what is remembered of the driver and is not in the register frame. The registry's lock is held.
// The driver may have been connected to another node before.
func (m *member) inherit(before *member) {
	before.mu.Lock()
	m.lastAck = before.lastAck
	before.mu.Unlock()
	m.misses.Store(before.misses.Load())
}

// open reports whether the driver is connected, to this node or another one. The registry's lock is held.
func (m *member) open() bool { return m.lostAt.IsZero() }

// hasSession reports whether the driver is connected to this node. The registry's lock is held.
func (m *member) hasSession() bool { return m.session != nil }

// retires reports whether the driver is about to lose its session. The registry's lock is held.
func (m *member) retires() bool {
	return m.hasSession() && m.session.retiring.Load() || m.away != nil && m.away.retiring
}

// disconnected releases a session that has ended. The registry's lock is held.
func (m *member) disconnected(now time.Time) {
	m.beatAt, m.rtt = m.session.lastBeat(), time.Duration(m.session.rtt.Load())
	m.session, m.lostAt = nil, now
}

// sentAway reports whether the driver was told to connect again. The registry's lock is held.
func (m *member) sentAway() bool {
	return m.hasSession() && m.session.dismissed || m.away != nil && m.away.retiring
}

func (m *member) supports(t command.Type) bool {
	return swarm.Member{Capabilities: m.capabilities}.Supports(t)
}

func (m *member) unresponsive() bool { return m.misses.Load() >= swarm.MissesToFlag }

// heard stores the report of a heartbeat; offered is the last command that was offered.
func (m *member) heard(beat *wire.Heartbeat, offered uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.applied = max(m.applied, min(beat.AppliedSeq, offered))
	if beat.State != nil {
		m.report, m.reportedSeq, m.reported = swarm.Report(*beat.State), m.applied, true
	}
	m.metrics = beat.Metrics
}

// refuse records that the driver has rejected the command that holds for it in a slot. m.mu is held.
func (m *member) refuse(slot command.Slot, seq uint64) {
	if m.refused == nil {
		m.refused = map[command.Slot]uint64{}
	}
	m.refused[slot] = seq
}

// describe returns the public view of the driver. The registry's lock is held.
func (m *member) describe(now time.Time) swarm.Driver {
	m.mu.Lock()
	defer m.mu.Unlock()
	d := swarm.Driver{
		ID: m.id, Unresponsive: m.unresponsive(), Labels: m.labels, Version: m.version, Capabilities: m.capabilities,
		ConnectedAt: m.connectedAt, RemoteAddr: m.remoteAddr,
		AppliedSeq: m.applied, Reported: m.report, Metrics: m.metrics, Share: m.share, LeaseLost: m.leaseLost,
		Conflict: m.rivals.describe(now),
	}
	if m.away != nil && d.Conflict == nil {
		d.Conflict = m.away.conflict
	}
	if s := m.session; s != nil {
		d.HeartbeatAge, d.RTT = max(0, s.age(now)), time.Duration(s.rtt.Load())
	} else {
		d.HeartbeatAge, d.RTT = max(0, now.Sub(m.beatAt)), m.rtt
	}
	if last := m.lastAck; last.Seq != 0 {
		d.LastAck = &last
	}
	return d
}
