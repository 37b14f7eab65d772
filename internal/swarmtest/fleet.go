package swarmtest

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Sink receives the reports of a Fleet; dispatch.Dispatcher implements it.
type Sink interface {
	Ack(driverID string, seq uint64, reply swarm.Reply) (latency time.Duration, counted bool)
	Disconnected(driverID string, reason swarm.Reason, upTo uint64)
}

// Fleet is an in-memory fleet for tests of the dispatcher: drivers answer in order, each on its own goroutine.
type Fleet struct {
	Sink    Sink
	mu      sync.Mutex
	drivers map[string]*FleetDriver
	missed  map[string]int
	desired swarm.Desired
	last    uint64 // seq of the newest record that was folded
	running sync.WaitGroup
	onOffer func()
}

// FleetDriver is one driver of a Fleet.
type FleetDriver struct {
	fleet  *Fleet
	id     string
	reply  swarm.Reply
	caps   []string
	mu     sync.Mutex
	change sync.Cond
	inbox  []swarm.Issue
	seen   []Applied
	held   bool
	hung   bool
	gone   bool
}

// Join adds an active driver that acks at once.
func (f *Fleet) Join(id string, capabilities ...string) *FleetDriver {
	d := &FleetDriver{fleet: f, id: id, caps: capabilities, reply: swarm.Reply{Applied: true}}
	d.change.L = &d.mu
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.drivers == nil {
		f.drivers = map[string]*FleetDriver{}
	}
	f.drivers[id] = d
	f.running.Go(d.run)
	return d
}

// OnOffer sets do, which each Offer calls first.
func (f *Fleet) OnOffer(do func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.onOffer = do
}

// Close ends the drivers' goroutines.
func (f *Fleet) Close() {
	f.mu.Lock()
	for _, d := range f.drivers {
		d.set(func() { d.gone = true })
	}
	f.mu.Unlock()
	f.running.Wait()
}

// Members implements dispatch.Drivers; the hung drivers are stale.
func (f *Fleet) Members(q swarm.TargetQuery) (out swarm.Targeted) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, d := range f.drivers {
		if !q.Target.Matches(id, nil) || f.yields(id, q, &out) {
			continue
		}
		m := swarm.Member{DriverID: id, Capabilities: d.caps, Unresponsive: f.missed[id] >= swarm.MissesToFlag}
		if d.isHung() {
			m.Lost = swarm.ReasonStale
		}
		out.Members = append(out.Members, m)
	}
	slices.SortFunc(out.Members, func(a, b swarm.Member) int { return strings.Compare(a.DriverID, b.DriverID) })
	slices.Sort(out.OtherRun)
	out.Awaited = len(out.Members) > 0 || f.desired.Loaded(q.Target)
	return out
}

func (f *Fleet) yields(id string, q swarm.TargetQuery, out *swarm.Targeted) bool {
	place := f.desired.Blocked(q.Condition, q.Submitter, id, nil)
	if place > 0 {
		out.Blocked = max(out.Blocked, place)
		out.OtherRun = append(out.OtherRun, id)
	}
	return place > 0
}

// Reach implements dispatch.Drivers; no driver has left, and no labels are in use.
func (f *Fleet) Reach(t swarm.Target) swarm.Reach {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := swarm.Reach{Left: len(t.DriverIDs)+len(t.Labels) == 0}
	for _, id := range t.DriverIDs {
		if f.drivers[id] != nil {
			out.InUse.DriverIDs = append(out.InUse.DriverIDs, id)
		}
	}
	return out
}

// Expire implements dispatch.Delivery.
func (f *Fleet) Expire(seq uint64, e *swarm.Expired) []swarm.Unsent {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = seq
	f.desired.Expire(seq, e)
	return nil
}

// DeadlineMissed implements dispatch.Drivers.
func (f *Fleet) DeadlineMissed(ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.missed == nil {
		f.missed = map[string]int{}
	}
	for _, id := range ids {
		f.missed[id]++
	}
}

// Offer implements dispatch.Delivery.
func (f *Fleet) Offer(i swarm.Issue) (out swarm.Handover) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.onOffer != nil {
		f.onOffer()
	}
	f.last = i.Seq
	f.desired.Issue(i)
	for id, d := range f.drivers {
		blocked := i.Condition != nil && f.desired.Holding(i.Command.Slot(), id, nil) != i.Seq
		if i.Target.Matches(id, nil) && !blocked && (swarm.Member{Capabilities: d.caps}).Supports(i.Command.Type) {
			d.set(func() { d.inbox = append(d.inbox, i) })
		}
	}
	for _, id := range i.Targets {
		if f.drivers[id] == nil {
			out.Undelivered = append(out.Undelivered, id)
		}
	}
	return out
}

// Settled implements dispatch.Delivery.
func (f *Fleet) Settled() {}

// Reset implements dispatch.Delivery.
func (f *Fleet) Reset(seq uint64) []swarm.Unsent {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = seq
	f.desired.Reset(seq)
	return nil
}

// NewestLoad implements dispatch.Fold.
func (f *Fleet) NewestLoad(t swarm.Target) (newest uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := range f.drivers {
		if t.Matches(id, nil) {
			newest = max(newest, f.desired.NewestLoad(id, nil))
		}
	}
	return newest
}

// Last implements dispatch.Fold.
func (f *Fleet) Last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// Base implements dispatch.Fold.
func (f *Fleet) Base(seq uint64, submitter string) (base uint64, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.desired.Base(seq, submitter)
}

// Lose ends the driver's session.
func (d *FleetDriver) Lose(reason swarm.Reason) {
	d.fleet.mu.Lock()
	defer d.fleet.mu.Unlock()
	delete(d.fleet.drivers, d.id)
	d.set(func() { d.gone = true })
	d.fleet.Sink.Disconnected(d.id, reason, d.fleet.last)
}

// Hold makes the driver apply commands without answering them.
func (d *FleetDriver) Hold() { d.set(func() { d.held = true }) }

// Release makes the driver send the answers that it held.
func (d *FleetDriver) Release() { d.set(func() { d.held = false }) }

// Hang makes the driver stale and silent.
func (d *FleetDriver) Hang() { d.set(func() { d.hung = true }) }

// Refuse makes the driver reject every command from now on.
func (d *FleetDriver) Refuse(code string) { d.set(func() { d.reply = swarm.Reply{Code: code} }) }

// Applied returns the commands that the driver applied.
func (d *FleetDriver) Applied() []Applied {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.seen)
}

func (d *FleetDriver) isHung() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hung
}

func (d *FleetDriver) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	d.change.Broadcast()
}

func (d *FleetDriver) run() {
	for {
		d.mu.Lock()
		for !d.gone && (len(d.inbox) == 0 || d.held || d.hung) {
			d.change.Wait()
		}
		if d.gone {
			d.mu.Unlock()
			return
		}
		next, reply := d.inbox[0], d.reply
		d.inbox = d.inbox[1:]
		d.seen = append(d.seen, Applied{next.Seq, next.CommandFor(d.id)})
		d.mu.Unlock()
		d.fleet.Sink.Ack(d.id, next.Seq, reply)
		d.fleet.mu.Lock()
		delete(d.fleet.missed, d.id)
		d.fleet.mu.Unlock()
	}
}
