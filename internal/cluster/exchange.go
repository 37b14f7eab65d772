package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// subscribe begins to take messages. Each subscription has a goroutine of the connection.
func (c *Cluster) subscribe(ctx context.Context) error {
	self := c.cfg.Self.Name
	for subject, handle := range map[string]nats.MsgHandler{
		c.cfg.Prefix + "." + subjectRoster + ".*": c.takeRoster,
		c.cfg.subject(subjectSnapshot, self):      c.answerSnapshot,
		c.cfg.subject(subjectVerdicts, self):      c.answerVerdicts,
		c.cfg.subject(subjectSettle, self):        func(m *nats.Msg) { c.answerSettle(ctx, m) },
	} {
		sub, err := c.cfg.Conn.Subscribe(subject, func(m *nats.Msg) {
			c.handling.RLock() // Close waits for it
			defer c.handling.RUnlock()
			if ctx.Err() == nil {
				handle(m)
			}
		})
		if err != nil {
			return fmt.Errorf("cannot subscribe to %s: %w", subject, err)
		}
		c.subs = append(c.subs, sub)
	}
	return nil
}

// request asks a node. ctx must have a deadline. It returns who has answered.
func (c *Cluster) request(ctx context.Context, kind, node string, body, reply any) (from swarm.NodeID, err error) {
	m, err := c.cfg.Conn.RequestWithContext(ctx, c.cfg.subject(kind, node), seal(c.cfg.Self, body))
	if err != nil {
		return from, err
	}
	if from, err = open(m.Data, reply); err != nil {
		c.unreadable(kind, from, err)
	}
	return from, err
}

func (c *Cluster) reply(m *nats.Msg, body any) {
	if m.Reply != "" {
		_ = c.cfg.Conn.Publish(m.Reply, seal(c.cfg.Self, body)) // the request is made again
	}
}

func (c *Cluster) takeRoster(m *nats.Msg) {
	if m.Subject == c.cfg.subject(subjectRoster, c.cfg.Self.Name) {
		return // this node's own
	}
	from, message, err := readRoster(m.Data)
	switch {
	case err != nil:
		c.unreadable(subjectRoster, from, err)
	case m.Subject != c.cfg.subject(subjectRoster, from.Name):
		c.unreadable(subjectRoster, from, errors.New("it has the subject of another node"))
	default:
		c.rosters.do(func() { c.rosters.receive(from, message) })
	}
}

func (c *Cluster) answerVerdicts(m *nats.Msg) {
	from, verdicts, err := readVerdicts(m.Data)
	if err != nil {
		c.unreadable(subjectVerdicts, from, err)
		return
	}
	c.reply(m, verdictReply{NotYet: c.rounds.Verdicts(from, verdicts)})
}

func (c *Cluster) answerSnapshot(m *nats.Msg) {
	from, err := open(m.Data, &struct{}{})
	if err != nil {
		c.unreadable(subjectSnapshot, from, err)
		return
	}
	all, err := c.publisher.snapshot()
	if err != nil || m.Reply == "" {
		return // it is requested again
	}
	for _, part := range messages(c.cfg.Self, all) {
		if c.cfg.Conn.Publish(m.Reply, part) != nil {
			return
		}
	}
}

// fetch requests a snapshot of a node's drivers.
func (c *Cluster) fetch(ctx context.Context, id swarm.NodeID) (*changes, error) {
	inbox := c.cfg.Conn.NewInbox()
	sub, err := c.cfg.Conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer sub.Unsubscribe() //nolint:errcheck // the connection may be gone
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, err
	}
	subject := c.cfg.subject(subjectSnapshot, id.Name)
	if err := c.cfg.Conn.PublishRequest(subject, inbox, seal(c.cfg.Self, struct{}{})); err != nil {
		return nil, err
	}
	parts := assembly{next: -1}
	for {
		m, err := c.next(ctx, sub)
		if err != nil {
			return nil, err
		}
		from, message, err := readRoster(m.Data)
		if err != nil {
			c.unreadable(subjectSnapshot, from, err)
			return nil, err
		}
		if from != id || message.Changes == nil {
			return nil, errors.New("the answer is of another instance, or has no drivers")
		}
		all, ok := parts.add(message.Changes)
		if !ok {
			return nil, errors.New("a part of the answer is missing")
		}
		if all != nil {
			return all, nil
		}
	}
}

// next waits for one part of an answer.
func (c *Cluster) next(ctx context.Context, sub *nats.Subscription) (*nats.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.timing.wait)
	defer cancel()
	return sub.NextMsgWithContext(ctx)
}

// warned remembers about what a warning was logged.
type warned struct {
	mu    sync.Mutex
	about map[string]bool
}

const maxWarned = 1000 // warnings about messages since the start; strangers may send any

func (w *warned) first(about string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.about[about] || len(w.about) >= maxWarned {
		return false
	}
	if w.about == nil {
		w.about = map[string]bool{}
	}
	w.about[about] = true
	return true
}

// unreadable logs that a message cannot be read: once for a node and a version that is newer, or a kind of message.
func (c *Cluster) unreadable(kind string, from swarm.NodeID, err error) {
	if newer, ok := errors.AsType[newerError](err); ok {
		if c.warned.first(fmt.Sprint("version ", newer.version, " ", from.Name)) {
			c.cfg.Logger.Warn("ignoring messages of a node that runs a newer version of Swarmcall", "node", from.Name,
				"version", newer.version)
		}
		return
	}
	if c.warned.first("kind " + kind + " " + from.Name) {
		c.cfg.Logger.Warn("ignoring messages of another node that cannot be read", "node", from.Name, "kind", kind,
			"err", err)
	}
}
