package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// lease is the entry of a node as it was read.
type lease struct {
	name, instance string
	revision       uint64
	deleted        bool       // by its node, at an orderly stop
	value          leaseValue // zero if this program cannot read it
}

// sighting is a node as this one knows it.
type sighting struct {
	lease
	renewed time.Time // when a new revision of its entry was last seen
	gone    time.Time // when it was found to be lost; zero while it is alive
}

func (s *sighting) id() swarm.NodeID { return swarm.NodeID{Name: s.name, Instance: s.instance} }

const keepGone = time.Minute // how long a lost node is shown

// tracker decides which nodes are alive. That an entry is missing proves little: NATS forgets all entries when it
// restarts, and lets them expire while nobody can renew them. So a node whose entry is missing is lost only if for a
// whole lease time two things have held: this node could renew its own entry and read the others, and it saw no renewal
// of that node. If all is well a node is thus lost 5 to 6 s after its last renewal.
type tracker struct {
	lease time.Duration
	nodes map[string]*sighting // the other nodes by name

	working time.Time // since when renewing and reading have worked without a break; zero: they do not
	last    time.Time // when they last worked
}

// failed says that this node could not renew its lease, or could not read those of the others.
func (t *tracker) failed() { t.working = time.Time{} }

// read takes the entries of the other nodes, which were read after this node's own was renewed. It returns the nodes
// that are lost, and those that are new.
func (t *tracker) read(now time.Time, leases []lease) (lost, found []swarm.NodeID) {
	if t.working.IsZero() || now.Sub(t.last) > t.lease/2 {
		t.working = now // this process may have been paused, so that it has missed renewals
	}
	t.last = now
	entries := map[string]lease{}
	for _, l := range leases {
		entries[l.name] = l
		if l.deleted {
			continue
		}
		s := t.nodes[l.name]
		alive := s != nil && s.gone.IsZero()
		if alive && s.instance == l.instance {
			s.see(l, now)
			continue
		}
		if alive {
			lost = append(lost, s.id())
		}
		s = &sighting{lease: l, renewed: now}
		t.nodes[l.name] = s
		found = append(found, s.id())
	}
	lost = append(lost, t.missing(now, entries)...)
	slices.SortFunc(lost, byName)
	return lost, found
}

func (s *sighting) see(l lease, now time.Time) {
	if s.revision != l.revision {
		s.lease, s.renewed = l, now
	}
}

// missing returns the nodes that are lost because of what is not among the entries, or was deleted.
func (t *tracker) missing(now time.Time, entries map[string]lease) (lost []swarm.NodeID) {
	for name, s := range t.nodes {
		switch l, found := entries[name]; {
		case found && !l.deleted:
		case !s.gone.IsZero():
			if now.Sub(s.gone) > keepGone {
				delete(t.nodes, name)
			}
		case l.deleted, now.Sub(s.renewed) >= t.lease && now.Sub(t.working) >= t.lease:
			s.gone = now
			lost = append(lost, s.id())
		}
	}
	return lost
}

func byName(a, b swarm.NodeID) int { return strings.Compare(a.Name, b.Name) }

// alive returns the other nodes that are alive, sorted by name.
func (t *tracker) alive() (ids []swarm.NodeID) {
	for _, s := range t.nodes {
		if s.gone.IsZero() {
			ids = append(ids, s.id())
		}
	}
	slices.SortFunc(ids, byName)
	return ids
}
