package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// publisher tells the other nodes about this node's drivers. It remembers each driver as it was published last: the
// next description has only what has changed, and snapshots are made from it, so that they are what the others have.
type publisher struct {
	cfg     *Config
	drivers Drivers

	mu       sync.Mutex // held while it publishes, so that messages have one order
	begun    bool
	revision uint64
	sent     map[string]published
}

type published struct {
	swarm.Presence
	at time.Time
}

var errAway = errors.New("there is no connection to NATS")

func newPublisher(cfg *Config, drivers Drivers) *publisher {
	return &publisher{cfg: cfg, drivers: drivers, sent: map[string]published{}}
}

// run publishes until ctx ends.
func (p *publisher) run(ctx context.Context) {
	report := time.NewTicker(p.cfg.timing.report)
	defer report.Stop()
	var gathered <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.drivers.Changed():
			if gathered == nil {
				gathered = time.After(p.cfg.timing.gather)
			}
			continue
		case <-gathered:
			_, _ = p.flush() // what could not be published is published later
		case <-report.C:
			p.digest()
		}
		gathered = nil
	}
}

// flush publishes what has changed, and returns the revision that the others can have now.
func (p *publisher) flush() (uint64, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flushLocked()
}

func (p *publisher) flushLocked() (uint64, error) {
	if !p.cfg.Conn.IsConnected() {
		return p.revision, errAway // what the connection would keep for later would be old by then
	}
	after := p.revision
	if !p.begun {
		after = 0
	}
	c := p.drivers.Changes(after)
	if p.begun && c.To == p.revision {
		return p.revision, nil
	}
	for _, m := range messages(p.cfg.Self, p.changes(&c)) {
		if err := p.publish(m); err != nil {
			p.begun = false // nobody knows what has arrived: begin again
			return p.revision, err
		}
	}
	p.begun, p.revision = true, c.To
	return p.revision, nil
}

// changes returns the changes as they are sent, and remembers them.
func (p *publisher) changes(c *swarm.RosterChanges) *changes {
	out := &changes{from: p.revision, to: c.To, whole: c.Whole}
	if c.Whole {
		p.sent = make(map[string]published, len(c.Present))
		out.from = 0
	}
	for _, d := range c.Departed {
		out.departed = append(out.departed, departed(d))
		delete(p.sent, d.DriverID)
	}
	now := time.Now()
	for i := range c.Present {
		driver := &c.Present[i]
		var before *swarm.Presence
		if s, known := p.sent[driver.ID]; known {
			before = &s.Presence
		}
		out.present = append(out.present, describe(driver, before))
		p.sent[driver.ID] = published{Presence: *driver, at: now}
	}
	return out
}

func (p *publisher) publish(message []byte) error {
	return p.cfg.Conn.Publish(p.cfg.subject(subjectRoster, p.cfg.Self.Name), message)
}

// digest publishes what has changed, and how far this node is.
func (p *publisher) digest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	revision, err := p.flushLocked()
	if err != nil {
		return
	}
	s := p.cfg.Status()
	d := digest{
		Revision: revision, Position: s.Position, Lag: s.Lag, Drivers: s.Drivers, Draining: s.Draining,
	}
	_ = p.publish(seal(p.cfg.Self, rosterMessage{Digest: &d})) // the next one follows in a second
}

// snapshot returns all drivers as the other nodes know them, if they have missed nothing.
func (p *publisher) snapshot() (*changes, error) {
	p.mu.Lock()
	if !p.begun {
		if _, err := p.flushLocked(); err != nil {
			p.mu.Unlock()
			return nil, err
		}
	}
	all := make([]published, 0, len(p.sent))
	for _, s := range p.sent {
		all = append(all, s)
	}
	c := &changes{to: p.revision, whole: true}
	p.mu.Unlock()
	now := time.Now()
	for i := range all {
		all[i].HeartbeatAge += now.Sub(all[i].at)
		c.present = append(c.present, describe(&all[i].Presence, nil))
	}
	return c, nil
}
