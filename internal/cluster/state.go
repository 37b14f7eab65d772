package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	lastSessionKey = "last_session"
	secretKey      = "secret."
	touchEvery     = 2 * time.Second
)

// state is the bucket that is on disk.
type state struct {
	cfg    *Config
	mu     sync.Mutex // one use of the bucket at a time
	bucket *bucket

	touchMu sync.Mutex
	touched time.Time // the newest that was reported
	wake    chan struct{}
	saved   time.Time // of the loop: the newest that is stored
	failing bool      // of the loop: a warning was logged
}

func newState(cfg *Config, js jetstream.JetStream) *state {
	return &state{
		cfg: cfg, bucket: newBucket(js, cfg.Prefix+"_state", jetstream.FileStorage, cfg.Replicas, 0),
		wake: make(chan struct{}, 1),
	}
}

// use calls f with the bucket.
func (s *state) use(ctx context.Context, f func(context.Context, *bucket) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.timing.wait)
	defer cancel()
	err := s.bucket.bind(ctx)
	if err == nil {
		err = f(ctx, s.bucket)
	}
	if conflict := errors.Is(err, jetstream.ErrKeyExists) || errors.Is(err, jetstream.ErrKeyRevisionMismatch); !conflict {
		s.bucket.failed(err)
	}
	return err
}

// TouchSession says that a driver was connected at t. It does not wait. The bucket is written every 2 s at most.
func (c *Cluster) TouchSession(t time.Time) {
	s := c.state
	s.touchMu.Lock()
	defer s.touchMu.Unlock()
	if t.After(s.touched) {
		s.touched = t
		signal(s.wake)
	}
}

// LastSession returns when a driver was last connected to any node, as far as that is stored; zero: never.
func (c *Cluster) LastSession(ctx context.Context) (at time.Time, err error) {
	err = c.state.use(ctx, func(ctx context.Context, b *bucket) error {
		at, _, err = lastSession(ctx, b)
		return err
	})
	return at, err
}

func lastSession(ctx context.Context, b *bucket) (at time.Time, revision uint64, err error) {
	e, ok, err := b.entry(ctx, lastSessionKey)
	if err != nil || !ok || e.deleted {
		return at, 0, err
	}
	if at, err = time.Parse(time.RFC3339Nano, string(e.value)); err != nil {
		return at, e.revision, fmt.Errorf("the time of the last session in the bucket %s: %w", b.name(), err)
	}
	return at, e.revision, nil
}

// run stores the time of the last session until ctx ends.
func (s *state) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
		s.save(ctx)
		if pause(ctx, touchEvery) != nil {
			return
		}
	}
}

// save stores the time of the last session, unless another node has stored a later one.
func (s *state) save(ctx context.Context) {
	s.touchMu.Lock()
	t := s.touched
	s.touchMu.Unlock()
	if !t.After(s.saved) {
		return
	}
	err := s.use(ctx, func(ctx context.Context, b *bucket) error {
		at, revision, err := lastSession(ctx, b)
		if err != nil && revision == 0 || at.After(t) {
			return err
		}
		value := []byte(t.UTC().Format(time.RFC3339Nano))
		if revision == 0 {
			_, err = b.kv.Create(ctx, lastSessionKey, value)
		} else {
			_, err = b.kv.Update(ctx, lastSessionKey, value, revision)
		}
		return err
	})
	switch {
	case err == nil:
		s.saved = t
	case errors.Is(err, jetstream.ErrKeyRevisionMismatch), errors.Is(err, jetstream.ErrKeyExists):
		signal(s.wake) // another node has stored a time in the same moment
		return
	default:
		signal(s.wake)
		if !s.failing && ctx.Err() == nil {
			s.cfg.Logger.Warn("cannot store that drivers are connected; after a restart of all nodes they may receive a stop",
				"err", err)
		}
	}
	s.failing = err != nil
}

// SharedSecret returns the secret of a name, which all nodes share. The node that is first makes it, from random bytes.
func (c *Cluster) SharedSecret(ctx context.Context, name string, bytes int) (secret []byte, err error) {
	key := secretKey + token(name)
	fresh := make([]byte, bytes)
	_, _ = rand.Read(fresh) // it never fails
	for {
		err = c.state.use(ctx, func(ctx context.Context, b *bucket) error {
			e, ok, err := b.entry(ctx, key)
			if err != nil {
				return err
			}
			if secret = e.value; ok && !e.deleted {
				return nil
			}
			secret = fresh
			_, err = b.kv.Create(ctx, key, fresh)
			return err
		})
		switch {
		case errors.Is(err, jetstream.ErrKeyExists) && ctx.Err() == nil:
			continue // another node was first
		case err != nil:
			return nil, fmt.Errorf("cannot get the secret %s of the cluster: %w", name, err)
		case len(secret) != bytes:
			return nil, fmt.Errorf("the secret %s of the cluster has %d bytes, not %d", name, len(secret), bytes)
		}
		return secret, nil
	}
}
