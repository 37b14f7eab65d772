package cluster

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	maxOwed    = 1_000_000              // verdicts that wait, in all
	gatherFor  = 5 * time.Millisecond   // from a verdict until it is sent
	warnDebtor = 10 * time.Second       // between two warnings that verdicts were dropped
	flushFor   = 500 * time.Millisecond // at a stop, for what waits
)

// verdicts sends the verdicts of this node's drivers to the nodes that own the rounds.
type verdicts struct {
	cfg     *Config
	request func(ctx context.Context, kind, node string, body, reply any) (swarm.NodeID, error)

	mu      sync.Mutex
	debts   debts
	senders map[string]*sender // by owner; each has a goroutine
	ctx     context.Context    // of the senders; nil until they may start
	wg      sync.WaitGroup
	dropped int       // since the last warning
	warned  time.Time // when it was
}

// sender wakes the goroutine of an owner.
type sender struct {
	wake chan struct{} // there is a verdict
	full chan struct{} // there is a batch
}

func newVerdicts(cfg *Config) *verdicts {
	return &verdicts{
		cfg: cfg, debts: debts{owners: map[string]*debt{}, most: maxOwed}, senders: map[string]*sender{},
	}
}

// start begins to send.
func (v *verdicts) start(ctx context.Context) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.ctx = ctx
	for _, owner := range v.debts.list() {
		v.wake(owner)
	}
}

// send queues a verdict for an owner.
func (v *verdicts) send(owner string, nv swarm.NodeVerdict) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.dropped += v.debts.add(owner, nv)
	if v.dropped > 0 && time.Since(v.warned) > warnDebtor {
		v.cfg.Logger.Warn("dropped verdicts that other nodes did not take; their drivers count as missing",
			"count", v.dropped)
		v.dropped, v.warned = 0, time.Now()
	}
	v.wake(owner)
}

// wake tells the sender of an owner that there is something to send. v.mu is held.
func (v *verdicts) wake(owner string) {
	if v.ctx == nil || v.ctx.Err() != nil {
		return
	}
	s := v.senders[owner]
	if s == nil {
		s = &sender{wake: make(chan struct{}, 1), full: make(chan struct{}, 1)}
		v.senders[owner] = s
		ctx := v.ctx
		v.wg.Go(func() { v.serve(ctx, owner, s) })
	}
	signal(s.wake)
	if to := v.debts.owners[owner]; to != nil && to.fresh >= maxBatch {
		signal(s.full)
	}
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// closed drops the verdicts of a round.
func (v *verdicts) closed(seq uint64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.debts.closed(seq)
}

// forget drops what an owner is owed.
func (v *verdicts) forget(owner string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.debts.forget(owner)
}

// serve sends what an owner is owed until ctx ends, one request at a time. There are as many owners as nodes.
func (v *verdicts) serve(ctx context.Context, owner string, s *sender) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-s.wake:
			gathered := time.NewTimer(gatherFor)
			select {
			case <-gathered.C:
			case <-s.full:
			case <-ctx.Done():
			}
			gathered.Stop()
		}
		timer.Reset(v.sendDue(ctx, owner))
	}
}

// sendDue sends what is due, and returns the pause until more is.
func (v *verdicts) sendDue(ctx context.Context, owner string) time.Duration {
	for ctx.Err() == nil {
		v.mu.Lock()
		b, due := v.debts.next(owner, time.Now())
		v.mu.Unlock()
		switch {
		case len(b.verdicts) > 0:
			v.deliver(ctx, owner, b)
		case due.IsZero():
			return time.Hour // until it is woken
		default:
			return time.Until(due)
		}
	}
	return time.Hour
}

// deliver makes one request.
func (v *verdicts) deliver(ctx context.Context, owner string, b batch) {
	var body struct {
		Verdicts []jsontext.Value `json:"verdicts"`
	}
	room := maxBody - 64 // the rest of the body
	for i := range b.verdicts {
		e := encodeVerdict(b.verdicts[i])
		if room -= len(e) + 1; room < 0 {
			b.shorten(i)
			break
		}
		body.Verdicts = append(body.Verdicts, e)
	}
	var reply verdictReply
	ctx, cancel := context.WithTimeout(ctx, v.cfg.timing.wait)
	defer cancel()
	from, err := v.request(ctx, subjectVerdicts, owner, body, &reply)
	if err == nil && from.Name != owner {
		err = fmt.Errorf("the node %s has answered", from.Name)
	}
	pause := v.cfg.timing.retry
	later := time.Now().Add(pause*3/4 + rand.N(pause/2)) //nolint:gosec // jitter
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		v.cfg.Logger.Debug("cannot send verdicts to another node; trying again", "node", owner, "err", err)
		v.debts.failed(b, later)
		return
	}
	v.debts.confirmed(owner, b, reply.NotYet, later)
}

// ended waits for the goroutines, after their ctx has ended.
func (v *verdicts) ended() {
	v.mu.Lock()
	v.ctx = nil // none is started after this
	v.mu.Unlock()
	v.wg.Wait()
}

// flush waits until nothing is owed any more, but not for long: another node may be away, or may never take a verdict.
func (v *verdicts) flush(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, flushFor)
	defer cancel()
	for {
		v.mu.Lock()
		owed := v.debts.count
		v.mu.Unlock()
		if owed == 0 || pause(ctx, gatherFor) != nil {
			return
		}
	}
}
