package cluster

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// peer is what this node knows of another living node. It is pure: it has no lock and no clock.
type peer struct {
	id        swarm.NodeID
	described bool // drivers are those of revision
	revision  uint64
	drivers   map[string]swarm.Presence
	parts     assembly
	current   time.Time // when drivers were last known to be up to date; before that, when the node was found
	digest    digest
	heard     bool // there is a digest

	behind   bool      // it needs a snapshot
	fetching bool      // a request for one is under way
	retryAt  time.Time // when the next request may be made
	held     []*changes
}

// maxHeld bounds the changes that are kept for after the snapshot.
const maxHeld = 256

func newPeer(id swarm.NodeID, now time.Time) *peer {
	return &peer{id: id, drivers: map[string]swarm.Presence{}, parts: assembly{next: -1}, current: now, behind: true}
}

// receive takes a message of the node. It returns what is to be applied.
func (p *peer) receive(m rosterMessage, now time.Time) (apply []swarm.RosterChanges) {
	if m.Digest != nil {
		p.digest, p.heard = *m.Digest, true
		if !p.described || m.Digest.Revision > p.revision {
			p.behind = true
		} else {
			p.current = now
		}
		return nil
	}
	c, ok := p.parts.add(m.Changes)
	switch {
	case !ok:
		p.behind = true
	case c == nil:
	case p.fetching && !c.whole:
		if len(p.held) == maxHeld {
			p.held = nil
		}
		p.held = append(p.held, c)
	default:
		return p.take(c, now)
	}
	return nil
}

// fetched takes the answer to a request for a snapshot, nil if it failed.
func (p *peer) fetched(c *changes, now time.Time) (apply []swarm.RosterChanges) {
	p.fetching = false
	held := p.held
	p.held = nil
	if c == nil {
		return nil
	}
	p.behind = false
	apply = p.take(c, now)
	for _, h := range held {
		apply = append(apply, p.take(h, now)...)
	}
	return apply
}

// take applies changes if they follow what is known.
func (p *peer) take(c *changes, now time.Time) []swarm.RosterChanges {
	switch {
	case p.described && c.to <= p.revision && (!c.whole || c.to < p.revision):
		return nil // it is known
	case !c.whole && (!p.described || c.from != p.revision):
		p.behind = true
		return nil
	}
	out, ok := merge(p.drivers, c)
	if !ok {
		p.described, p.behind = false, true
		return nil
	}
	out.From = p.revision
	if c.whole {
		out.From, p.behind = 0, false
	}
	p.described, p.revision, p.current = true, c.to, now
	return []swarm.RosterChanges{out}
}
