package app

import (
	"context"
	"errors"

	"github.com/swarmcall/swarmcall/internal/feed"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/webhooks"
)

// hookLog is the log as webhooks read it: new records come from the feed, without a read of the disk.
type hookLog struct {
	log  commandLog
	feed *feed.Feed
}

// ID implements webhooks.Log.
func (l hookLog) ID() string { return l.log.ID() }

// Last implements webhooks.Log. It does not ask the log, because an append may hold that up.
func (l hookLog) Last() uint64 { return l.feed.Last() }

// After implements webhooks.Log. A feed that is closed means that the server is stopping, and ctx ends soon.
func (l hookLog) After(ctx context.Context, position uint64) ([]*swarm.Event, error) {
	events, err := l.feed.After(ctx, position)
	if errors.Is(err, feed.ErrClosed) {
		<-ctx.Done()
		err = ctx.Err()
	}
	return events, err
}

// Events implements webhooks.Log.
func (l hookLog) Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error) {
	return l.log.Events(ctx, q)
}

// openWebhooks reads the webhooks file, if there is one.
func (s *server) openWebhooks() (err error) {
	if s.cfg.WebhooksFile == "" {
		return nil
	}
	s.webhooks, err = webhooks.Open(webhooks.Config{
		File: s.cfg.WebhooksFile, Dir: s.cfg.DataDir, Log: hookLog{s.log, s.feed}, Logger: s.cfg.Logger,
	})
	return err
}
