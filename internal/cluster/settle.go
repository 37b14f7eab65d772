package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

type settleRequest struct {
	Revision uint64 `json:"revision,omitzero"` // of the sender's drivers
}

type settleReply struct {
	Position uint64 `json:"position,omitzero"`
	Error    string `json:"error,omitempty"`
}

const (
	settleFor   = 10 * time.Second // the longest that a request is worked on; it is made again then
	maxSettling = 64               // requests at a time
)

// SettleAll waits until every other living node has applied this node's drivers as they are now, and has then decided
// everything that it was deciding. After that nobody issues a command to a driver that is retiring here now. It returns
// the highest position of the log that these nodes know. A node whose lease expires meanwhile is not waited for.
func (c *Cluster) SettleAll(ctx context.Context) (position uint64, err error) {
	revision, err := c.publisher.flush()
	if err != nil {
		return 0, fmt.Errorf("the other nodes cannot be told: %w", err)
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, id := range c.Alive() {
		if id == c.cfg.Self {
			continue
		}
		wg.Go(func() {
			p, err := c.settle(ctx, id, revision)
			mu.Lock()
			defer mu.Unlock()
			position = max(position, p)
			if err != nil {
				errs = append(errs, fmt.Errorf("the node %s has not settled: %w", id.Name, err))
			}
		})
	}
	wg.Wait()
	return position, errors.Join(errs...)
}

// settle asks one node until it answers, its lease expires or ctx ends.
func (c *Cluster) settle(ctx context.Context, id swarm.NodeID, revision uint64) (uint64, error) {
	for {
		var reply settleReply
		attempt, cancel := context.WithTimeout(ctx, settleFor)
		from, err := c.request(attempt, subjectSettle, id.Name, settleRequest{Revision: revision}, &reply)
		cancel()
		switch {
		case errors.Is(err, nats.ErrNoResponders): // it has ended, or does not take part yet: it decides nothing
			return 0, nil
		case err == nil && from == id && reply.Error == "":
			return reply.Position, nil
		case err == nil && from == id:
			err = errors.New(reply.Error)
		case err == nil:
			err = errors.New("another instance has answered")
		}
		if !c.isAlive(id) {
			return 0, nil
		}
		if pause(ctx, c.cfg.timing.retry) != nil {
			return 0, err
		}
	}
}

func (c *Cluster) isAlive(id swarm.NodeID) bool {
	for _, other := range c.Alive() {
		if other == id {
			return true
		}
	}
	return false
}

// answerSettle answers the request of a node that is about to drain. It takes a while, so it has its own goroutine.
func (c *Cluster) answerSettle(ctx context.Context, m *nats.Msg) {
	var request settleRequest
	from, err := open(m.Data, &request)
	if err != nil {
		c.unreadable(subjectSettle, from, err)
		return
	}
	select {
	case c.settling <- struct{}{}:
	default:
		return // it is asked again
	}
	c.wg.Go(func() {
		defer func() { <-c.settling }()
		ctx, cancel := context.WithTimeout(ctx, settleFor)
		defer cancel()
		var reply settleReply
		err := c.rosters.reached(ctx, from, request.Revision)
		if err == nil {
			reply.Position, err = c.rounds.Settle(ctx)
		}
		if err != nil {
			reply = settleReply{Error: err.Error()}
		}
		c.reply(m, reply)
	})
}
