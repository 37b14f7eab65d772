package cluster

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// bucket is a key-value bucket that is made when it is missing: NATS forgets those in memory when it restarts. Its
// user holds a lock, or is the only one.
//
// Its stream is as nats.go makes it, but without direct gets: any replica answers those, also one that does not know
// yet what the others have confirmed.
type bucket struct {
	js     jetstream.JetStream
	config jetstream.StreamConfig
	stream jetstream.Stream
	kv     jetstream.KeyValue // nil until it is bound
}

const markerTTL = time.Minute // how long NATS remembers that an entry has expired

func newBucket(js jetstream.JetStream, name string, storage jetstream.StorageType, replicas int,
	ttl time.Duration) *bucket {
	c := jetstream.StreamConfig{
		Name: "KV_" + name, Subjects: []string{"$KV." + name + ".>"}, Storage: storage, Replicas: replicas,
		MaxMsgsPerSubject: 1, MaxBytes: -1, MaxMsgSize: maxMessage, MaxMsgs: -1, MaxConsumers: -1, MaxAge: ttl,
		AllowRollup: true, DenyDelete: true, Discard: jetstream.DiscardNew, Duplicates: 2 * time.Minute,
	}
	if ttl > 0 {
		c.Duplicates, c.AllowMsgTTL, c.SubjectDeleteMarkerTTL = ttl, true, markerTTL
	}
	return &bucket{js: js, config: c}
}

// bind finds the bucket, or makes it.
func (b *bucket) bind(ctx context.Context) error {
	if b.kv != nil {
		return nil
	}
	stream, err := b.js.Stream(ctx, b.config.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = b.js.CreateStream(ctx, b.config)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			stream, err = b.js.Stream(ctx, b.config.Name) // another program has made it, with other settings
		}
	}
	if err != nil {
		return fmt.Errorf("cannot open the bucket %s: %w", b.name(), err)
	}
	kv, err := b.js.KeyValue(ctx, b.name())
	if err != nil {
		return fmt.Errorf("cannot open the bucket %s: %w", b.name(), err)
	}
	b.stream, b.kv = stream, kv
	return nil
}

func (b *bucket) name() string { return strings.TrimPrefix(b.config.Name, "KV_") }

// failed forgets the binding if the bucket may be gone.
func (b *bucket) failed(err error) {
	if err != nil {
		b.kv = nil
	}
}

// entry is what is stored under a key.
type entry struct {
	key      string
	value    []byte
	revision uint64
	deleted  bool // by a program; an entry that has expired is missing
}

// entries returns all entries, as the leader of the bucket knows them.
func (b *bucket) entries(ctx context.Context) (entries []entry, err error) {
	info, err := b.stream.Info(ctx, jetstream.WithSubjectFilter(b.config.Subjects[0]))
	if err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(b.config.Subjects[0], ">")
	for subject := range info.State.Subjects {
		e, ok, err := b.entry(ctx, strings.TrimPrefix(subject, prefix))
		if err != nil {
			return nil, err
		}
		if ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// entry returns one entry. ok is false if it is missing.
func (b *bucket) entry(ctx context.Context, key string) (e entry, ok bool, err error) {
	m, err := b.stream.GetLastMsgForSubject(ctx, strings.TrimSuffix(b.config.Subjects[0], ">")+key)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return e, false, nil
	}
	if err != nil {
		return e, false, err
	}
	if m.Header.Get(jetstream.MarkerReasonHeader) != "" {
		return e, false, nil // NATS left it when the entry expired
	}
	return entry{key: key, value: m.Data, revision: m.Sequence, deleted: m.Header.Get("KV-Operation") != ""}, true, nil
}
