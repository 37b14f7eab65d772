package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// leaseValue is what a node says about itself in its entry.
type leaseValue struct {
	Version  string `json:"version,omitempty"`
	Format   int    `json:"format,omitzero"`
	Address  string `json:"address,omitempty"`
	Started  int64  `json:"started,omitzero"` // Unix nanoseconds
	Position uint64 `json:"position,omitzero"`
	Drivers  int    `json:"drivers,omitzero"`
	Draining bool   `json:"draining,omitzero"`
}

// takenError says that another instance has the entry of this node's name.
type takenError struct {
	instance string
	revision uint64
}

func (e takenError) Error() string { return "another process has it, with instance " + e.instance }

// leases are the entries of the nodes: this node's own, which it renews, and the others, which it reads.
type leases struct {
	cfg      *Config
	bucket   *bucket
	hold     *hold
	revision uint64 // of the own entry; 0: there is none
	nudge    chan struct{}
	asked    chan struct{} // a renewal is wanted now
	proofs   *proofs
	failing  bool // a warning was logged

	mu      sync.Mutex
	tracker tracker // guarded by mu; only the loop changes it
}

func newLeases(cfg *Config, js jetstream.JetStream) *leases {
	return &leases{
		cfg:    cfg,
		bucket: newBucket(js, cfg.Prefix+"_nodes", jetstream.MemoryStorage, cfg.Replicas, cfg.timing.lease),
		hold:   newHold(cfg.timing.lease, cfg.OnLeaseLost, cfg.OnLeaseRenewed), nudge: make(chan struct{}, 1),
		asked: make(chan struct{}, 1), proofs: newProofs(),
		tracker: tracker{lease: cfg.timing.lease, nodes: map[string]*sighting{}},
	}
}

func (l *leases) key() string { return token(l.cfg.Self.Name) }

// answerPatience is how long a start waits for an answer about the lease: an election takes up to nine seconds.
const answerPatience = 30 * time.Second

// take takes the lease of this node's name. If another instance has it, it waits until that has expired, or fails when
// it is renewed. If NATS does not answer, it tries again: the bucket may have no leader yet.
func (l *leases) take(ctx context.Context) error {
	var before takenError
	began := time.Now()
	end := began.Add(l.cfg.timing.lease + l.cfg.timing.wait) // NATS removes what has expired a little later
	for {
		err := l.renew(ctx)
		taken, ok := errors.AsType[takenError](err)
		if err == nil || !ok && time.Since(began) > answerPatience {
			return err
		}
		if !ok {
			if err := pause(ctx, l.cfg.timing.retry); err != nil {
				return err
			}
			continue
		}
		if before.revision != 0 && taken != before || time.Now().After(end) {
			return fmt.Errorf("another running server has the node name %q (its instance is %s): give each server its own "+
				"--node-name", l.cfg.Self.Name, taken.instance)
		}
		before = taken
		if err := pause(ctx, l.cfg.timing.renew/4); err != nil {
			return err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// renew writes the own entry, unless another instance has it.
func (l *leases) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.timing.wait)
	defer cancel()
	for {
		sent := time.Now()
		err := l.write(ctx)
		if err == nil {
			l.hold.renew(sent)
			l.proofs.add(sent)
			return nil
		}
		if !errors.Is(err, jetstream.ErrKeyExists) && !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			l.bucket.failed(err)
			return err
		}
		if err := l.find(ctx); err != nil {
			return err
		}
	}
}

// write writes the own entry if it has the revision that is known.
func (l *leases) write(ctx context.Context) (err error) {
	if err := l.bucket.bind(ctx); err != nil {
		return err
	}
	s := l.cfg.Status()
	value := seal(l.cfg.Self, leaseValue{
		Version: l.cfg.Version, Format: l.cfg.Format, Address: l.cfg.Address, Started: nanoseconds(l.cfg.Started),
		Position: s.Position, Drivers: s.Drivers, Draining: s.Draining,
	})
	revision := l.revision
	if revision == 0 {
		revision, err = l.bucket.kv.Create(ctx, l.key(), value)
	} else {
		revision, err = l.bucket.kv.Update(ctx, l.key(), value, revision)
	}
	if err == nil {
		l.revision = revision
	}
	return err
}

// find looks up the revision of the own entry: it may have expired, or an earlier attempt may have succeeded.
func (l *leases) find(ctx context.Context) error {
	e, ok, err := l.bucket.entry(ctx, l.key())
	l.bucket.failed(err)
	if err != nil {
		return err
	}
	l.revision = 0
	if !ok || e.deleted {
		return nil
	}
	from, err := open(e.value, &leaseValue{})
	if from == l.cfg.Self {
		l.revision = e.revision
		return nil
	}
	if from.Instance == "" {
		return fmt.Errorf("the entry of this node's name cannot be read: %w", err)
	}
	return takenError{instance: from.Instance, revision: e.revision}
}

// read returns the entries of the other nodes.
func (l *leases) read(ctx context.Context) (others []lease, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.timing.wait)
	defer cancel()
	entries, err := l.bucket.entries(ctx)
	if err != nil {
		l.bucket.failed(err)
		return nil, err
	}
	for _, e := range entries {
		name, ok := nameOf(e.key)
		if !ok || name == l.cfg.Self.Name {
			continue
		}
		o := lease{name: name, revision: e.revision, deleted: e.deleted}
		if !e.deleted {
			from, err := open(e.value, &o.value)
			if err != nil {
				o.value = leaseValue{}
			}
			if o.instance = from.Instance; o.instance == "" {
				continue // no node has written this
			}
		}
		others = append(others, o)
	}
	return others, nil
}

// seen is what one reading of the leases has shown.
type seen struct {
	lost, found []swarm.NodeID
	alive       []swarm.NodeID // with this node, sorted by name
}

// run renews the own lease and reads the others until ctx ends. It passes on what it has read.
func (l *leases) run(ctx context.Context, tell func(seen)) {
	ticker := time.NewTicker(l.cfg.timing.renew)
	defer ticker.Stop()
	for {
		l.step(ctx, tell)
		if !l.rest(ctx, ticker.C) {
			return
		}
	}
}

// rest waits until the next step is due. Meanwhile it renews the lease for those who want a proof.
func (l *leases) rest(ctx context.Context, due <-chan time.Time) (goOn bool) {
	for {
		select {
		case <-ctx.Done():
			return false
		case <-due:
			return true
		case <-l.nudge:
			// What nudges is repeated: a message of a node that is not known yet.
			return pause(ctx, l.cfg.timing.renew/4) == nil
		case <-l.asked:
			_ = l.renew(ctx) // if that fails, the next step reports it
		}
	}
}

func (l *leases) step(ctx context.Context, tell func(seen)) {
	err := l.renew(ctx)
	var others []lease
	if err == nil {
		others, err = l.read(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	l.report(err)
	l.mu.Lock()
	if err != nil {
		l.tracker.failed()
		l.mu.Unlock()
		return
	}
	var s seen
	s.lost, s.found = l.tracker.read(time.Now(), others)
	l.mu.Unlock()
	s.alive = l.alive()
	tell(s)
}

// report logs when the leases cannot be renewed or read, and when they can again.
func (l *leases) report(err error) {
	if _, taken := errors.AsType[takenError](err); taken && !l.failing {
		l.cfg.Logger.Error("another process uses the name of this node; give each its own --node-name", "err", err)
	} else if err != nil && !l.failing {
		l.cfg.Logger.Warn("cannot renew the node lease, or read those of the other nodes", "err", err)
	} else if err == nil && l.failing {
		l.cfg.Logger.Info("the node lease is renewed again")
	}
	l.failing = err != nil
}

// look asks for a reading of the leases soon.
func (l *leases) look() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}

// drop deletes the own entry, so that a node of the same name need not wait. The loop has ended, perhaps while it was
// renewing: then the entry may have a newer revision.
func (l *leases) drop(ctx context.Context) error {
	l.hold.release()
	for l.revision != 0 {
		err := l.bucket.bind(ctx)
		if err == nil {
			err = l.bucket.kv.Delete(ctx, l.key(), jetstream.LastRevision(l.revision))
		}
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			l.revision = 0
			return err
		}
		err = l.find(ctx)
		if _, taken := errors.AsType[takenError](err); taken {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
