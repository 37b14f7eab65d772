package cluster

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// presence is a driver on its way to the other nodes. Names are short where they are repeated each second for every
// driver. What is absent has its zero value, except that the parts with pointers are as they were sent before.
type presence struct {
	ID           string         `json:"i"`
	State        string         `json:"st,omitempty"` // "" for an active driver
	Unresponsive bool           `json:"un,omitzero"`
	AgeMS        int64          `json:"h,omitzero"` // of the last heartbeat
	RTTUS        int64          `json:"r,omitzero"`
	Applied      uint64         `json:"a,omitzero"`
	Report       *command.State `json:"p,omitzero"` // nil: it has not reported its state
	ReportedSeq  uint64         `json:"q,omitzero"`
	Lost         int64          `json:"l,omitzero"` // Unix nanoseconds
	Retiring     bool           `json:"rt,omitzero"`

	Fixed    *fixed              `json:"f,omitzero"`
	Ack      *ack                `json:"k,omitzero"` // seq 0: none
	Metrics  *map[string]float64 `json:"m,omitzero"`
	Refused  *map[int]uint64     `json:"x,omitzero"` // by slot
	Conflict *conflict           `json:"c,omitzero"` // no takeovers: none
}

// fixed is what seldom changes while a driver is connected.
type fixed struct {
	Labels       map[string]string `json:"labels,omitempty"`
	Capabilities []string          `json:"capabilities,omitempty"`
	Registration registration      `json:"registration"`
}

type registration struct {
	Session     string `json:"session"`
	Instance    string `json:"instance,omitempty"`
	Owner       string `json:"owner,omitempty"`
	Version     string `json:"version,omitempty"`
	RemoteAddr  string `json:"remote_addr,omitempty"`
	ConnectedAt int64  `json:"connected_at,omitzero"` // Unix nanoseconds, as are the others
	Joined      int64  `json:"joined,omitzero"`
	JoinedAt    uint64 `json:"joined_at,omitzero"`
	AtRest      uint64 `json:"at_rest,omitzero"`
	LeaseLost   bool   `json:"lease_lost,omitzero"`
	Weight      uint64 `json:"weight,omitzero"`
	Cap         int64  `json:"cap,omitzero"`
}

type ack struct {
	Seq       uint64 `json:"s,omitzero"`
	LatencyUS int64  `json:"l,omitzero"`
}

type conflict struct {
	RemoteAddrs [2]string `json:"remote_addrs"`
	Takeovers   int       `json:"takeovers,omitzero"`
}

// departure is a driver that its node does not know any more, on its way to the other nodes.
type departure struct {
	ID           string            `json:"i"`
	Session      string            `json:"session"`
	Labels       map[string]string `json:"labels,omitempty"`
	JoinedAt     uint64            `json:"joined_at,omitzero"`
	Joined       int64             `json:"joined,omitzero"` // Unix nanoseconds, as At
	At           int64             `json:"at,omitzero"`
	Deregistered bool              `json:"deregistered,omitzero"`
}

func nanoseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
}

func fixedOf(p *swarm.Presence) fixed {
	return fixed{
		Labels: p.Labels, Capabilities: p.Capabilities,
		Registration: registration{
			Session: p.Session, Instance: p.Instance, Owner: p.Owner, Version: p.Version, RemoteAddr: p.RemoteAddr,
			ConnectedAt: nanoseconds(p.ConnectedAt), Joined: nanoseconds(p.Joined), JoinedAt: p.JoinedAt,
			AtRest: p.AtRest, LeaseLost: p.LeaseLost, Weight: p.Share.Weight, Cap: p.Share.Cap,
		},
	}
}

func (f fixed) equal(other fixed) bool {
	return f.Registration == other.Registration && slices.Equal(f.Capabilities, other.Capabilities) &&
		maps.Equal(f.Labels, other.Labels)
}

func ackOf(p *swarm.Presence) ack {
	if p.LastAck == nil {
		return ack{}
	}
	return ack{Seq: p.LastAck.Seq, LatencyUS: p.LastAck.Latency.Microseconds()}
}

func conflictOf(p *swarm.Presence) conflict {
	if p.Conflict == nil {
		return conflict{}
	}
	return conflict(*p.Conflict)
}

// describe returns what the other nodes need to know p, if they know before. With before nil it is everything.
func describe(p, before *swarm.Presence) presence {
	d := presence{
		ID: p.ID, Unresponsive: p.Unresponsive, AgeMS: p.HeartbeatAge.Milliseconds(), RTTUS: p.RTT.Microseconds(),
		Applied: p.AppliedSeq, ReportedSeq: p.ReportedSeq, Lost: nanoseconds(p.LostAt), Retiring: p.Retiring,
	}
	if p.State != swarm.Active {
		d.State = string(p.State)
	}
	if p.HasReport {
		d.Report = &p.Reported
	}
	var none swarm.Presence
	if before == nil {
		before = &none
	}
	if f := fixedOf(p); before == &none || !f.equal(fixedOf(before)) {
		d.Fixed = &f
	}
	if k := ackOf(p); k != ackOf(before) {
		d.Ack = &k
	}
	if c := conflictOf(p); c != conflictOf(before) {
		d.Conflict = &c
	}
	if !maps.Equal(p.Metrics, before.Metrics) {
		d.Metrics = &p.Metrics
	}
	if !maps.Equal(p.Refused, before.Refused) {
		refused := make(map[int]uint64, len(p.Refused))
		for slot, seq := range p.Refused {
			refused[int(slot)] = seq
		}
		d.Refused = &refused
	}
	return d
}

// check reports what no node sends.
func (d *presence) check() error {
	switch swarm.DriverState(d.State) {
	case "", swarm.Stale, swarm.Disconnected:
	default:
		return errors.New("a driver has an unknown state")
	}
	if d.ID == "" || d.AgeMS < 0 || d.RTTUS < 0 || d.Ack != nil && d.Ack.LatencyUS < 0 {
		return errors.New("a driver has no id, or a time below 0")
	}
	return nil
}

// onto returns the driver that d describes to a node that knows before. ok is false if it does not know enough.
func (d *presence) onto(before *swarm.Presence) (p swarm.Presence, ok bool) {
	if d.Fixed == nil && before == nil {
		return p, false
	}
	if before != nil {
		p = *before
	}
	p.ID, p.State, p.Unresponsive = d.ID, swarm.Active, d.Unresponsive
	if d.State != "" {
		p.State = swarm.DriverState(d.State)
	}
	p.HeartbeatAge = time.Duration(d.AgeMS) * time.Millisecond
	p.RTT = time.Duration(d.RTTUS) * time.Microsecond
	p.AppliedSeq, p.ReportedSeq, p.LostAt, p.Retiring = d.Applied, d.ReportedSeq, moment(d.Lost), d.Retiring
	p.HasReport, p.Reported = d.Report != nil, swarm.Report{}
	if d.Report != nil {
		p.Reported = *d.Report
	}
	d.fixedOnto(&p)
	d.rareOnto(&p)
	return p, true
}

func (d *presence) fixedOnto(p *swarm.Presence) {
	if d.Fixed == nil {
		return
	}
	r := d.Fixed.Registration
	p.Labels, p.Capabilities = d.Fixed.Labels, d.Fixed.Capabilities
	p.Session, p.Instance, p.Owner, p.Version, p.RemoteAddr = r.Session, r.Instance, r.Owner, r.Version, r.RemoteAddr
	p.ConnectedAt, p.Joined, p.JoinedAt, p.AtRest = moment(r.ConnectedAt), moment(r.Joined), r.JoinedAt, r.AtRest
	p.LeaseLost, p.Share = r.LeaseLost, swarm.Share{Weight: r.Weight, Cap: r.Cap}
}

func (d *presence) rareOnto(p *swarm.Presence) {
	if d.Ack != nil {
		p.LastAck = nil
		if d.Ack.Seq != 0 {
			p.LastAck = &swarm.LastAck{
				Seq: d.Ack.Seq, Latency: time.Duration(d.Ack.LatencyUS) * time.Microsecond,
			}
		}
	}
	if d.Conflict != nil {
		p.Conflict = nil
		if d.Conflict.Takeovers != 0 {
			c := swarm.Conflict(*d.Conflict)
			p.Conflict = &c
		}
	}
	if d.Metrics != nil {
		p.Metrics = nil
		if len(*d.Metrics) > 0 {
			p.Metrics = *d.Metrics
		}
	}
	if d.Refused != nil {
		p.Refused = nil
		if len(*d.Refused) > 0 {
			p.Refused = make(map[command.Slot]uint64, len(*d.Refused))
		}
		for slot, seq := range *d.Refused {
			p.Refused[command.Slot(slot)] = seq
		}
	}
}

func departed(d swarm.Departure) departure {
	return departure{
		ID: d.DriverID, Session: d.Session, Labels: d.Labels, At: nanoseconds(d.At), Deregistered: d.Deregistered,
		JoinedAt: d.JoinedAt, Joined: nanoseconds(d.Joined),
	}
}

func (d departure) departure() swarm.Departure {
	return swarm.Departure{
		DriverID: d.ID, Session: d.Session, Labels: d.Labels, At: moment(d.At), Deregistered: d.Deregistered,
		JoinedAt: d.JoinedAt, Joined: moment(d.Joined),
	}
}
