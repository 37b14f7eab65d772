package dispatch

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// KeyWindow is how long an idempotency key is remembered, counted from the submission that used it first.
const KeyWindow = 24 * time.Hour

// maxKeys bounds the keys that are remembered, and with them the memory: about 100 bytes each.
const maxKeys = 1_000_000

// Keys remembers which entry an idempotency key led to. Only logged commands use a key up, and the log holds their keys, so a
// new process fills its Keys from the log. It is safe for concurrent use.
type Keys struct {
	mu    sync.Mutex
	byKey map[keyHash]keyed
	order []expiry // oldest first
	most  int
}

// keyHash stands for a submitter with one of its keys. Half a SHA-256: who can make two of them collide only fools himself.
type keyHash [16]byte

type keyed struct {
	seq     uint64
	request [16]byte // beginning of the request's hash
}

type expiry struct {
	key keyHash
	at  int64 // Unix seconds from which the key is forgotten
}

// NewKeys returns an empty index.
func NewKeys() *Keys { return &Keys{byKey: map[keyHash]keyed{}, most: maxKeys} }

// Remember takes in an issued command of the log, in the order of the log. One without a key, or older than KeyWindow, changes
// nothing.
func (k *Keys) Remember(seq uint64, i *swarm.Issued) {
	if i.Key == "" || time.Since(i.SubmittedAt) >= KeyWindow {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	e := keyed{seq: seq}
	copy(e.request[:], i.RequestHash)
	key := hashKey(i.Submitter, i.Key)
	k.byKey[key] = e
	k.order = append(k.order, expiry{key, i.SubmittedAt.Add(KeyWindow).Unix()})
}

// find returns the entry that an earlier submission with the same key led to, 0 for none. The error is of
// CodeIdempotencyKeyReused when that one asked for something else, or of CodeRateLimited when no further key can be remembered.
func (k *Keys) find(s *swarm.Submission, now time.Time) (seq uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(now)
	e, ok := k.byKey[hashKey(s.Submitter, s.Key)]
	switch {
	case !ok && len(k.byKey) >= k.most:
		return 0, swarm.Errorf(swarm.CodeRateLimited, "too many idempotency keys of the last 24 h are remembered; send the command without one, or later")
	case !ok:
		return 0, nil
	case !bytes.HasPrefix(s.RequestHash, e.request[:]):
		return 0, &swarm.Error{
			Code: swarm.CodeIdempotencyKeyReused, Detail: "this Idempotency-Key came with another request before; take a new key for a new request",
			Attrs: map[string]any{"seq": e.seq},
		}
	}
	return e.seq, nil
}

// forget drops what is older than the window.
func (k *Keys) forget(now time.Time) {
	n := 0
	for n < len(k.order) && k.order[n].at <= now.Unix() {
		delete(k.byKey, k.order[n].key)
		n++
	}
	if n > 0 {
		k.order = append(k.order[:0], k.order[n:]...)
	}
}

func hashKey(submitter, key string) (h keyHash) {
	sum := sha256.Sum256([]byte(submitter + "\x00" + key))
	copy(h[:], sum[:])
	return h
}
