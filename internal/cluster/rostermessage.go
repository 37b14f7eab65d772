package cluster

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// rosterMessage has one of its fields.
type rosterMessage struct {
	Changes *part   `json:"changes,omitzero"`
	Digest  *digest `json:"digest,omitzero"`
}

// digest says how far a node is.
type digest struct {
	Revision uint64 `json:"revision,omitzero"` // of its roster, that it has published
	Position uint64 `json:"position,omitzero"` // that its tail has reached
	Lag      uint64 `json:"lag,omitzero"`      // records of the log that it has not read yet
	Drivers  int    `json:"drivers,omitzero"`
	Draining bool   `json:"draining,omitzero"`
}

// part is one of the messages that changes are sent in.
type part struct {
	From     uint64      `json:"from,omitzero"`
	To       uint64      `json:"to,omitzero"`
	Whole    bool        `json:"whole,omitzero"`
	Part     int         `json:"part,omitzero"` // counts from 0
	Last     bool        `json:"last,omitzero"`
	Present  []presence  `json:"present,omitempty"`
	Departed []departure `json:"departed,omitempty"`
}

// maxParts bounds what is collected before it is applied.
const maxParts = 1024

// outgoing is a part whose drivers are encoded already, so that its size is known.
type outgoing struct {
	From     uint64           `json:"from,omitzero"`
	To       uint64           `json:"to,omitzero"`
	Whole    bool             `json:"whole,omitzero"`
	Part     int              `json:"part,omitzero"`
	Last     bool             `json:"last,omitzero"`
	Present  []jsontext.Value `json:"present,omitempty"`
	Departed []jsontext.Value `json:"departed,omitempty"`
}

// split puts changes into parts that are small enough.
func split(c *changes) []outgoing {
	next := outgoing{From: c.from, To: c.to, Whole: c.whole}
	var out []outgoing
	room := maxBody
	const frame = 256 // the fields of a part, without its drivers
	add := func(item jsontext.Value, to func(*outgoing) *[]jsontext.Value) {
		if len(item)+1 > room-frame {
			out = append(out, next)
			next = outgoing{From: c.from, To: c.to, Whole: c.whole, Part: len(out)}
			room = maxBody
		}
		list := to(&next)
		*list = append(*list, item)
		room -= len(item) + 1
	}
	for i := range c.departed {
		add(encode(&c.departed[i]), func(o *outgoing) *[]jsontext.Value { return &o.Departed })
	}
	for i := range c.present {
		add(encode(&c.present[i]), func(o *outgoing) *[]jsontext.Value { return &o.Present })
	}
	next.Last = true
	return append(out, next)
}

// messages returns the messages that changes are sent in.
func messages(from swarm.NodeID, c *changes) [][]byte {
	var out [][]byte
	for _, p := range split(c) {
		out = append(out, seal(from, struct {
			Changes *outgoing `json:"changes"`
		}{&p}))
	}
	return out
}

// readRoster reads a message about the drivers of a node.
func readRoster(message []byte) (from swarm.NodeID, m rosterMessage, err error) {
	if from, err = open(message, &m); err == nil {
		err = m.check()
	}
	return from, m, err
}

func (m rosterMessage) check() error {
	if (m.Changes == nil) == (m.Digest == nil) {
		return errors.New("it needs either changes or a digest")
	}
	if m.Digest != nil {
		if m.Digest.Drivers < 0 {
			return errors.New("a number of drivers is below 0")
		}
		return nil
	}
	p := m.Changes
	if p.From > p.To || p.Part < 0 || p.Part >= maxParts {
		return errors.New("its revisions or the number of its part cannot be")
	}
	for i := range p.Present {
		if err := p.Present[i].check(); err != nil {
			return err
		}
	}
	for i := range p.Departed {
		if p.Departed[i].ID == "" {
			return errors.New("a driver that departed has no id")
		}
	}
	return nil
}

// changes are all parts of swarm.RosterChanges, as they are sent.
type changes struct {
	from, to uint64
	whole    bool
	present  []presence
	departed []departure
}

// assembly collects the parts of changes, which arrive in order.
type assembly struct {
	changes
	next int // the number of the next part
}

// add adds a part. It returns the changes with the last part. ok is false if parts are missing: the changes are lost.
func (a *assembly) add(p *part) (complete *changes, ok bool) {
	if p.Part == 0 {
		*a = assembly{changes: changes{from: p.From, to: p.To, whole: p.Whole}}
	}
	if p.Part != a.next || p.From != a.from || p.To != a.to || p.Whole != a.whole {
		*a = assembly{next: -1}
		return nil, false
	}
	a.next++
	a.present = append(a.present, p.Present...)
	a.departed = append(a.departed, p.Departed...)
	if !p.Last {
		return nil, true
	}
	c := a.changes
	*a = assembly{next: -1}
	return &c, true
}

// merge applies changes to what is known of a node's drivers. If they do not fit, ok is false, and drivers is useless.
func merge(drivers map[string]swarm.Presence, c *changes) (out swarm.RosterChanges, ok bool) {
	out = swarm.RosterChanges{From: c.from, To: c.to, Whole: c.whole}
	if c.whole {
		clear(drivers)
	}
	for _, d := range c.departed {
		out.Departed = append(out.Departed, d.departure())
		delete(drivers, d.ID) // whatever its session: it may have had another one since the last changes
	}
	for i := range c.present {
		var before *swarm.Presence
		if p, known := drivers[c.present[i].ID]; known {
			before = &p
		}
		p, ok := c.present[i].onto(before)
		if !ok {
			return out, false
		}
		drivers[p.ID] = p
		out.Present = append(out.Present, p)
	}
	return out, true
}
