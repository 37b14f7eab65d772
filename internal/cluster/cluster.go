package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The kinds of subjects.
const (
	subjectRoster   = "roster"
	subjectSnapshot = "snapshot"
	subjectVerdicts = "verdicts"
	subjectSettle   = "settle"
)

func (c *Config) subject(kind, node string) string { return c.Prefix + "." + kind + "." + token(node) }

// Cluster is what one node tells the others, and hears from them.
type Cluster struct {
	cfg     Config
	drivers Drivers
	rounds  Rounds

	leases    *leases
	rosters   *rosters
	publisher *publisher
	verdicts  *verdicts
	state     *state

	settling chan struct{} // a place for each request that is worked on
	subs     []*nats.Subscription
	handling sync.RWMutex       // read while a message is handled
	stop     context.CancelFunc // nil until Start
	wg       sync.WaitGroup
	warned   warned
}

// Open opens the buckets of a cluster, and makes them if this node is the first. If NATS has no place for them yet, it
// tries until ctx ends. The node takes part from Start on.
func Open(ctx context.Context, cfg Config) (*Cluster, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	js, err := jetstream.New(cfg.Conn)
	if err != nil {
		return nil, err
	}
	c := &Cluster{cfg: cfg, settling: make(chan struct{}, maxSettling)}
	c.leases = newLeases(&c.cfg, js)
	c.state = newState(&c.cfg, js)
	c.rosters = newRosters(&c.cfg)
	c.rosters.fetch, c.rosters.unknown = c.fetch, c.leases.look
	c.verdicts = newVerdicts(&c.cfg)
	c.verdicts.request = c.request
	for _, b := range []*bucket{c.leases.bucket, c.state.bucket} {
		if err := c.bind(ctx, b); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *Cluster) bind(ctx context.Context, b *bucket) error {
	for {
		attempt, cancel := context.WithTimeout(ctx, c.cfg.timing.wait)
		err := b.bind(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if pause(ctx, c.cfg.timing.retry) != nil {
			return err
		}
	}
}

// Start takes the lease of this node and begins to talk to the others. It fails if another running server has the name
// of this node. A predecessor that has crashed holds the name until its lease expires, so Start may take that long.
func (c *Cluster) Start(ctx context.Context, drivers Drivers, rounds Rounds) error {
	c.drivers, c.rounds = drivers, rounds
	c.rosters.drivers, c.rosters.rounds = drivers, rounds
	c.publisher = newPublisher(&c.cfg, drivers)
	if err := c.leases.take(ctx); err != nil {
		return fmt.Errorf("cannot take the node lease: %w", err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.wg.Go(func() { c.leases.hold.run(running) })
	c.wg.Go(func() { c.rosters.run(running) })
	if err := c.subscribe(running); err != nil {
		return errors.Join(err, c.Close(ctx))
	}
	c.verdicts.start(running)
	c.wg.Go(func() { c.publisher.run(running) })
	c.wg.Go(func() { c.state.run(running) })
	c.wg.Go(func() {
		c.leases.run(running, func(s seen) { c.rosters.do(func() { c.rosters.leases(s) }) })
	})
	return nil
}

// Close tells the others that this node has ended, and waits for its goroutines. The lease goes last: until then the
// others wait for this node. ctx bounds only what NATS must answer.
func (c *Cluster) Close(ctx context.Context) error {
	if c.stop == nil {
		return nil
	}
	c.verdicts.flush(ctx)
	for _, sub := range c.subs {
		_ = sub.Unsubscribe() // the connection may be gone
	}
	c.stop()
	c.handled()
	c.verdicts.ended()
	c.wg.Wait()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timing.wait)
	defer cancel()
	c.state.save(ctx)
	if err := c.leases.drop(ctx); err != nil {
		return fmt.Errorf("cannot delete the node lease, which expires soon: %w", err)
	}
	return nil
}

// handled waits for the messages that are being handled. No others are handled after that.
func (c *Cluster) handled() {
	c.handling.Lock()
	defer c.handling.Unlock()
}

// Send queues the verdict of a driver of this node for the node that owns the round. It does not wait. The verdict is
// sent until that node has taken it, Closed is called for its seq or Forget for the node. Of a driver the first verdict
// of a seq arrives first. At most 1,000,000 verdicts wait; then those of the oldest commands are dropped, with a
// warning.
func (c *Cluster) Send(owner string, v swarm.NodeVerdict) { c.verdicts.send(owner, v) }

// Closed says that the log has the outcome of a command: its verdicts are not sent any more.
func (c *Cluster) Closed(seq uint64) { c.verdicts.closed(seq) }

// Forget drops the verdicts that wait for a node. If another node owns its rounds now, the caller sends them to that
// one.
func (c *Cluster) Forget(owner string) { c.verdicts.forget(owner) }
