package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/cluster"
	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	retireGrace   = time.Second     // in a stop: until the other nodes do not target drivers of this node any more
	moveSpan      = time.Second     // in which the drivers of a node that stops are sent to the others
	cutOffAfter   = 5 * time.Second // after its lease has expired, a node without NATS sends its drivers to the others
	reachPatience = 5 * time.Second // for a position that another node has written
)

// nodes is the part of a server that shares its log with other nodes. A single node has none.
type nodes struct {
	conn    *nats.Conn
	log     *cmdlog.Log
	cluster *cluster.Cluster
	self    swarm.NodeID

	complete atomic.Bool           // every living node has described its drivers
	joined   atomic.Bool           // drivers may register here
	draining atomic.Bool           // this server is stopping
	pastEnd  atomic.Pointer[claim] // the newest of a driver that has applied what the log does not have
	pastFor  time.Duration         // how long a claim counts
	unheld   atomic.Int64          // since when this node has had no lease, in Unix nanoseconds; 0: it has one
	triedAt  time.Time             // when watchNATS last tried another NATS server
}

// openShared connects to NATS, and opens the log and the cluster.
func (s *server) openShared(ctx context.Context) (err error) {
	n := &nodes{self: swarm.NodeID{Name: s.cfg.NodeName, Instance: s.instance}, pastFor: s.cfg.ForgetAfter}
	if err := logfile.MakeDir(s.cfg.DataDir); err != nil { // of the files that each node has for itself
		return fmt.Errorf("cannot create the data directory %s (choose another --data-dir): %w", s.cfg.DataDir, err)
	}
	if n.conn, err = dialNATS(ctx, s.cfg); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			n.conn.Close()
		}
	}()
	n.log, err = cmdlog.Connect(ctx, cmdlog.Shared{
		Conn: n.conn, Node: s.cfg.NodeName, Replicas: replicas(n.conn), MaxBytes: s.cfg.LogMaxBytes,
		Logger: s.cfg.Logger, Meter: s.metrics.Log, Replay: s.memory.take,
	})
	if err != nil {
		return err
	}
	n.cluster, err = cluster.Open(ctx, cluster.Config{
		Conn: n.conn, Replicas: replicas(n.conn), Self: n.self, Version: s.cfg.Version.Version,
		Address: s.listener.Addr().String(), Format: logfile.FormatVersion, Started: time.Now(),
		Status: func() cluster.Status { return s.nodeStatus() }, OnLeaseLost: func() { s.leaseLost() },
		Logger: s.cfg.Logger,
	})
	if err != nil {
		return errors.Join(err, n.log.Close(context.WithoutCancel(ctx)))
	}
	s.nodes, s.log, s.sessions = n, n.log, n
	return nil
}

// join takes the node lease, and begins to take part.
func (s *server) join(ctx context.Context) error {
	open, err := s.log.Unclosed(ctx)
	if err != nil {
		return err
	}
	s.dispatcher.Inherit(open)
	s.notify()
	return s.nodes.cluster.Start(ctx, shared{s.registry, s.nodes}, rounds{s})
}

func (n *nodes) close(ctx context.Context) error {
	if n == nil {
		return nil
	}
	err := n.cluster.Close(ctx)
	n.conn.Close()
	return err
}

// nodeStatus is what this node tells the others about itself.
func (s *server) nodeStatus() cluster.Status {
	st := cluster.Status{Position: s.log.Last(), Lag: s.nodes.log.Lag(), Draining: s.nodes.draining.Load()}
	if s.registry != nil { // the cluster is opened before
		st.Drivers = s.registry.Open()
	}
	return st
}

// shared is the registry as the cluster sees it.
type shared struct {
	*drivers.Registry
	n *nodes
}

// SetSilent implements cluster.Drivers.
func (r shared) SetSilent(names []string, complete bool) {
	r.n.complete.Store(complete && len(names) == 0)
	r.Registry.SetSilent(names, complete)
}

// rounds is the dispatcher as the cluster sees it.
type rounds struct{ *server }

// Verdicts implements cluster.Rounds.
func (r rounds) Verdicts(_ swarm.NodeID, verdicts []swarm.NodeVerdict) (notYet []uint64) {
	return r.dispatcher.Verdicts(verdicts)
}

// Settle implements cluster.Rounds.
func (r rounds) Settle(ctx context.Context) (position uint64, err error) {
	return r.dispatcher.Settle(ctx)
}

// NodesAlive implements cluster.Rounds. Nothing is decided before the drivers of all nodes are known.
func (r rounds) NodesAlive(alive []swarm.NodeID) {
	if !r.nodes.complete.Load() {
		return
	}
	names := make([]string, len(alive))
	for i, n := range alive {
		names[i] = n.Name
	}
	r.dispatcher.Owners(names)
	r.admitDrivers()
}

// admitDrivers lets drivers register at this node. If no driver of any node has been connected for long, the load of the
// past is reset before that, or the first driver would start it.
func (s *server) admitDrivers() {
	if s.nodes.joined.Load() {
		return
	}
	if s.abandoned() {
		ctx, cancel := context.WithTimeout(context.Background(), reachPatience)
		defer cancel()
		err := s.dispatcher.RaiseEpoch(ctx, &swarm.Reset{
			Cause: "no driver was connected for " + s.cfg.ForgetAfter.String() + " before the start",
		})
		if err != nil {
			return // the next call tries again
		}
	}
	s.nodes.joined.Store(true)
	s.cfg.Logger.Info("this node has joined the others", "node", s.cfg.NodeName, "nodes", len(s.nodes.cluster.Alive()))
}

// abandoned reports whether load is desired although no driver has been connected to any node for long.
func (s *server) abandoned() bool {
	loaded := func(r swarm.Rule) bool { return r.Command.Load() }
	known := s.registry.Roster(swarm.RosterQuery{None: true})
	if known.Active+known.Stale > 0 || !slices.ContainsFunc(s.registry.State(swarm.StateQuery{Limit: 1}).Rules, loaded) {
		return false
	}
	return time.Since(s.memory.lastSession(s.nodes.LastSession())) >= s.cfg.ForgetAfter
}

// TouchSession implements sessionTimes.
func (n *nodes) TouchSession(t time.Time) error {
	n.cluster.TouchSession(t)
	return nil
}

// LastSession implements sessionTimes.
func (n *nodes) LastSession() time.Time {
	at, err := n.lastSession()
	if err != nil {
		return time.Now() // nothing is decided while it cannot be read
	}
	return at
}

// overDrivers makes the registry one of several.
func (n *nodes) overDrivers(c *drivers.Config) {
	if n == nil {
		return
	}
	c.Node, c.Shared, c.Leads, c.CaughtUp = n.self, true, n.cluster.Leads, n.caughtUp
	c.OnLogShortened = func(driverID, _ string, applied uint64) { n.pastTheEnd(driverID, applied) }
}

func (n *nodes) lastSession() (time.Time, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reachPatience)
	defer cancel()
	return n.cluster.LastSession(ctx)
}

// caughtUp says why no driver may register here now. A driver must not receive an outdated load.
func (n *nodes) caughtUp(ctx context.Context) error {
	switch {
	case !n.cluster.Holds():
		return swarm.Errorf(swarm.CodeLogUnavailable, "this node has not reached the others for some seconds; connect to "+
			"another one, or again later")
	case !n.joined.Load():
		return swarm.Errorf(swarm.CodeLogUnavailable, "this node has not joined the others yet; connect to another one, or "+
			"again soon")
	}
	err := n.log.CatchUp(ctx)
	if err == nil { // the server that has said where the log ends must not be cut off from the majority
		err = n.cluster.Confirm(ctx)
	}
	if err != nil {
		return &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "this node has not read the log up to its end; connect to another one, " +
				"or again soon", Cause: err,
		}
	}
	return nil
}

// leaseLost gives up the rounds of this node: another node closes them.
func (s *server) leaseLost() {
	if s.dispatcher != nil {
		s.dispatcher.LeaseLost()
	}
}

// watchNATS sends the drivers of this node to the others if this node alone may be cut off from NATS. While NATS answers
// but cannot store, all nodes are in the same state, and drivers stay where they are.
func (s *server) watchNATS(ctx context.Context) {
	tick := time.NewTicker(leaseCheckEvery)
	defer tick.Stop()
	var since time.Time // when this node was first seen without lease and connection
	moved := false
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			s.nodes.noteLease(now)
			s.tryAnother(now)
			switch {
			case s.nodes.cluster.Holds() || s.nodes.conn.IsConnected():
				since, moved = time.Time{}, false
			case since.IsZero():
				since = now
			case !moved && now.Sub(since) >= cutOffAfter:
				moved = true
				s.cfg.Logger.Error("this node is cut off from NATS, and its drivers are sent to the other nodes")
				s.registry.Retire()
				s.registry.EndRetired(ctx, moveSpan)
			}
		}
	}
}

func (n *nodes) noteLease(now time.Time) {
	if n.cluster.Holds() {
		n.unheld.Store(0)
	} else {
		n.unheld.CompareAndSwap(0, now.UnixNano())
	}
}

// leaseless returns for how long this node has had no lease: it cannot issue a Stop.
func (n *nodes) leaseless() time.Duration {
	if n == nil {
		return 0
	}
	if since := n.unheld.Load(); since != 0 {
		return time.Since(time.Unix(0, since))
	}
	return 0
}

// handOver prepares a stop: other nodes do not target the drivers of this node any more, and this node has read every
// command that does.
func (s *server) handOver(ctx context.Context) {
	s.nodes.draining.Store(true)
	s.registry.Retire()
	ctx, cancel := context.WithTimeout(ctx, retireGrace)
	defer cancel()
	position, err := s.nodes.cluster.SettleAll(ctx)
	if err == nil {
		err = s.nodes.log.Reach(ctx, position)
	}
	if err != nil {
		s.cfg.Logger.Warn("stopping although other nodes may still send commands to drivers of this node", "err", err)
	}
}

// nodesCheck is the condition of /readyz that concerns the other nodes.
func (n *nodes) nodesCheck() httpapi.Check {
	c := httpapi.Check{Name: "nodes", OK: true, Detail: fmt.Sprintf("%d alive", len(n.cluster.Alive()))}
	past := n.pastEnd.Load()
	switch {
	case past != nil && time.Since(past.at) < n.pastFor:
		c.OK, c.Detail = false, past.text
	case !n.cluster.Holds():
		c.OK, c.Detail = false, "this node has lost its node lease: it does not reach NATS, or was paused"
	case !n.joined.Load():
		c.OK, c.Detail = false, "this node has not joined the others yet"
	}
	return c
}

// claim says what a driver has applied although the log does not have it.
type claim struct {
	text string
	at   time.Time
}

// pastTheEnd makes this node not ready: a driver knows more of the log than the stream contains, so the stream was
// restored from a copy, or is another one. An operator must decide. A driver that has gone does not count for ever.
func (n *nodes) pastTheEnd(driverID string, applied uint64) {
	text := fmt.Sprintf("driver %s has applied command %d, which the log does not have: its stream was restored from an "+
		"older copy, or is another one; see docs/operating.md", driverID, applied)
	n.pastEnd.Store(&claim{text, time.Now()})
}

// listNodes returns what lists the nodes for the API and the dashboard. A single node is the only one.
func (s *server) listNodes(stopping *atomic.Bool) func() []swarm.Node {
	if s.nodes != nil {
		return func() []swarm.Node { return s.nodes.cluster.Nodes(time.Now()) }
	}
	self := swarm.Node{
		NodeID: swarm.NodeID{Name: s.cfg.NodeName, Instance: s.instance}, Version: s.cfg.Version.Version,
		Address: s.listener.Addr().String(), Self: true, Embedded: true, Alive: true, StartedAt: s.startedAt,
	}
	return func() []swarm.Node {
		n := self
		n.Draining, n.Drivers, n.Position = stopping.Load(), s.registry.Open(), s.log.Last()
		return []swarm.Node{n}
	}
}

// patientLog is the log as readers see it: what another node has written, this one may not have read yet.
type patientLog struct {
	commandLog
	nodes *nodes
}

// Await waits for a position that another node has written. A position that the log does not have is no error.
func (l patientLog) Await(ctx context.Context, pos uint64) error {
	if l.nodes == nil || pos <= l.Last() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, reachPatience)
	defer cancel()
	if err := l.nodes.log.CatchUp(ctx); err != nil {
		return &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "this node has not read the log up to that position yet; try again",
			Cause: err,
		}
	}
	return nil
}

// Entry reads an entry.
func (l patientLog) Entry(ctx context.Context, seq uint64) (swarm.Entry, error) {
	if err := l.Await(ctx, seq); err != nil {
		return swarm.Entry{}, err
	}
	e, err := l.commandLog.Entry(ctx, seq)
	return e, l.reading(ctx, err)
}

// Page reads a page of entries.
func (l patientLog) Page(ctx context.Context, q swarm.Query) (swarm.Page, error) {
	p, err := l.commandLog.Page(ctx, q)
	return p, l.reading(ctx, err)
}

// Events reads records of a submitter.
func (l patientLog) Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error) {
	events, err := l.commandLog.Events(ctx, q)
	return events, l.reading(ctx, err)
}

// reading returns what a reader gets if a shared log could not be read: its servers may be away for a moment.
func (l patientLog) reading(ctx context.Context, err error) error {
	if _, damaged := errors.AsType[*cmdlog.DamagedError](err); l.nodes == nil || err == nil || ctx.Err() != nil || damaged ||
		swarm.CodeOf(err) != swarm.CodeInternal {
		return err
	}
	return &swarm.Error{
		Code: swarm.CodeLogUnavailable, Detail: "the log cannot be read at the moment, because NATS does not answer; try " +
			"again", Cause: err,
	}
}
