package drivers

import (
	"math"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxMembers bounds the members if the drivers are not limited. With a limit, nodes that register drivers at the same
// time may exceed it together, but not by twice as much.
const maxMembers = 1_000_000

// rosters is what is known about what the other nodes know. The registry's lock guards it.
type rosters struct {
	silent   map[string]bool // names of nodes that have not described their drivers lately
	complete bool            // every living node has described its drivers
	ignored  uint64          // descriptions that were not valid, or too many
	warnedAt time.Time       // when the log last said so
}

// known reports whether the drivers of all nodes are known.
func (x *rosters) known() bool { return x.complete && len(x.silent) == 0 }

// SetSilent names the living nodes that have not described their drivers lately. complete says that every living node
// has done so at some time. Until the first call, the drivers of a shared log are not all known.
func (r *Registry) SetSilent(names []string, complete bool) {
	silent := make(map[string]bool, len(names))
	for _, name := range names {
		silent[name] = true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rosters.silent, r.rosters.complete = silent, complete
}

// ApplyRoster takes what another node says about its drivers: what changed after its last changes, or all of them. The
// registry keeps the maps and slices, and does not change them. What is not valid is ignored.
func (r *Registry) ApplyRoster(node swarm.NodeID, c swarm.RosterChanges) {
	r.applying.Lock()
	defer r.applying.Unlock()
	if !r.another(node) {
		r.noteIgnored(node, len(c.Present)+len(c.Departed), "its name is not valid, or is that of this node")
		return
	}
	ignored, first := 0, ""
	note := func(problem string) {
		if problem != "" {
			ignored++
			first = or(first, problem)
		}
	}
	for some := range slices.Chunk(c.Departed, readAtOnce) {
		r.applyDeparted(node, some, note)
	}
	for some := range slices.Chunk(c.Present, readAtOnce) {
		r.applyPresent(node, some, note)
	}
	if c.Whole {
		r.dropOthers(node, c)
	}
	r.noteIgnored(node, ignored, first)
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// another reports whether node may be another node of the cluster.
func (r *Registry) another(node swarm.NodeID) bool {
	return r.cfg.Shared && node.Name != "" && len(node.Name) <= maxWordBytes && len(node.Instance) <= maxWordBytes &&
		node.Name != r.cfg.Node.Name
}

func (r *Registry) applyDeparted(node swarm.NodeID, some []swarm.Departure, note func(problem string)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for i := range some {
		d := &some[i]
		problem := checkDeparture(d)
		if note(problem); problem == "" {
			r.applyDeparture(node, d, now)
		}
	}
}

// applyDeparture takes a departure from another node. It concerns the session that is known here, or is newer than
// that: then this node has not heard of its registration. The lock is held.
func (r *Registry) applyDeparture(node swarm.NodeID, d *swarm.Departure, now time.Time) {
	m, ended := r.members[d.DriverID], d.Registration(node.Name)
	here := m != nil && m.away != nil && m.away.node == node && m.registration.Session == d.Session
	if here {
		ended = m.registration.Registration
	}
	switch {
	case !d.Deregistered && here:
		// it was forgotten here as well if that is long ago; or it has moved, and its new node says so soon
		r.lose(m, notAfter(now, d.At))
	case !d.Deregistered, m != nil && !here && !ended.Newer(m.registration.Registration):
	case m == nil && r.former.deregistered(d.DriverID) && !ended.Newer(r.former.left[d.DriverID]):
	default:
		if m != nil {
			r.deregisteredElsewhere(m, now)
		}
		r.former.deregister(swarm.Former{ID: d.DriverID, Labels: d.Labels, At: notAfter(now, d.At)}, ended)
	}
}

// deregisteredElsewhere drops a member whose driver has deregistered from another node. The lock is held.
func (r *Registry) deregisteredElsewhere(m *member, now time.Time) {
	r.count(m, -1)
	if m.hasSession() {
		r.openByID = nil
	}
	r.endFor(m, &member{id: m.id, away: &away{}}, now)
	r.drop(m)
}

func (r *Registry) applyPresent(node swarm.NodeID, some []swarm.Presence, note func(problem string)) {
	var taken []*swarm.Presence
	defer func() {
		for _, p := range taken {
			r.logger.Info("a driver has registered with another node", "driver_id", p.ID, "node", node.Name,
				"to", p.RemoteAddr)
		}
	}()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for i := range some {
		p := &some[i]
		problem := checkPresence(p)
		if problem == "" && r.members[p.ID] == nil && len(r.members) >= r.cfg.mostMembers() {
			problem = "too many drivers are known"
		}
		if note(problem); problem == "" && r.applyPresence(node, p, now) {
			taken = append(taken, p)
		}
	}
}

// mostMembers is how many drivers are known at most.
func (c *Config) mostMembers() int {
	if c.MaxDrivers > 0 {
		return 2 * c.MaxDrivers
	}
	return maxMembers
}

// applyPresence takes what another node says about one of its drivers. It reports whether that ended a session here.
// The lock is held.
func (r *Registry) applyPresence(node swarm.NodeID, p *swarm.Presence, now time.Time) (ended bool) {
	m, reg := r.members[p.ID], p.Registration(node.Name)
	switch left, over := r.former.left[p.ID]; {
	case m != nil && m.away != nil && m.away.node == node && m.registration.Session == p.Session:
		r.count(m, -1)
		m.adopt(p, now)
		r.count(m, 1)
		return false
	case m != nil && !reg.Newer(m.registration.Registration), over && !reg.Newer(left):
		return false // the driver has registered again since, or has deregistered from another node
	}
	if ended = m != nil && m.hasSession(); ended {
		r.openByID = nil
	}
	r.replace(m, memberOf(node, p, now), now)
	return ended
}

// lose marks a member of another node as lost since a time, or since an earlier time if it was lost then. The lock is
// held.
func (r *Registry) lose(m *member, at time.Time) {
	r.count(m, -1)
	if m.open() || at.Before(m.lostAt) {
		m.lostAt = at
	}
	r.count(m, 1)
}

// dropOthers drops the members of a node that are not among all its drivers. Those that it names as departed were lost
// or dropped because of that.
func (r *Registry) dropOthers(node swarm.NodeID, all swarm.RosterChanges) {
	type session struct{ driverID, token string }
	named := make(map[session]bool, len(all.Present)+len(all.Departed))
	for i := range all.Present {
		named[session{all.Present[i].ID, all.Present[i].Session}] = true
	}
	for i := range all.Departed {
		named[session{all.Departed[i].DriverID, all.Departed[i].Session}] = true
	}
	for _, m := range r.membersOf(node) {
		r.mu.Lock()
		if r.members[m.id] == m && !named[session{m.id, m.registration.Session}] {
			r.count(m, -1)
			r.drop(m)
		}
		r.mu.Unlock()
	}
}

// membersOf returns the members whose home is another node.
func (r *Registry) membersOf(node swarm.NodeID) (out []*member) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.known() {
		if m.away != nil && m.away.node == node {
			out = append(out, m)
		}
	}
	return out
}

// NodeLost says that a node does not act any more. Its drivers are lost with it, unless they have registered with
// another node, or with a new instance of it.
func (r *Registry) NodeLost(node swarm.NodeID) {
	r.applying.Lock()
	defer r.applying.Unlock()
	var lost []string
	r.mu.Lock()
	now := time.Now()
	for _, m := range r.known() {
		if m.away != nil && m.away.node == node {
			r.lose(m, now)
			m.away.nodeLost = true
			lost = append(lost, m.id)
		}
	}
	r.mu.Unlock()
	for _, id := range lost {
		r.rounds.Disconnected(id, swarm.ReasonNodeLost, math.MaxUint64)
	}
	if len(lost) > 0 {
		r.logger.Info("the drivers of a node are lost with it", "node", node.Name, "instance", node.Instance,
			"drivers", len(lost))
	}
}

// warnAgain is how long the log does not repeat that descriptions of drivers are ignored.
const warnAgain = time.Minute

// noteIgnored counts what was ignored of what a node said.
func (r *Registry) noteIgnored(node swarm.NodeID, n int, problem string) {
	if n == 0 {
		return
	}
	r.mu.Lock()
	now := time.Now()
	r.rosters.ignored += uint64(n)
	warn := r.rosters.warnedAt.IsZero() || now.Sub(r.rosters.warnedAt) >= warnAgain
	if warn {
		r.rosters.warnedAt = now
	}
	r.mu.Unlock()
	if warn {
		r.logger.Warn("what another node says about drivers is not valid, and is ignored", "node", node.Name,
			"drivers", n, "problem", problem)
	}
}
