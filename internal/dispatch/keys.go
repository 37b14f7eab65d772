package dispatch

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// KeyWindow is how long an idempotency key is remembered, counted from the submission that first used it.
const KeyWindow = 24 * time.Hour

// These constants bound the remembered keys and so the memory: about 150 bytes each. No submitter can use up the share
// of others: when there are maxKeys, a submitter may still use keys while it has fewer than an equal share of them.
// Submitter names are free to invent, so the absolute limit is twice maxKeys.
const (
	maxKeys            = 1_000_000
	maxKeysOfSubmitter = 100_000
)

// Keys remembers the entry of each idempotency key. Only logged commands use a key, and the log stores their keys, so a
// new process fills its Keys from the log. It is safe for concurrent use.
type Keys struct {
	mu          sync.Mutex
	byKey       map[keyHash]keyed
	bySubmitter map[keyHash]*owner
	order       []expiry // oldest first
	most, each  int      // bounds
}

// keyHash identifies a submitter, alone or with one of its keys. It is half a SHA-256: a client that constructs a
// collision only harms itself.
type keyHash [16]byte

type keyed struct {
	seq     uint64
	request [16]byte // beginning of the request's hash
}

// owner is a submitter with keys.
type owner struct {
	keys int
	due  []int64 // when its keys are forgotten, as in expiry, oldest first
}

type expiry struct {
	key, submitter keyHash
	at             int64 // Unix seconds from which the key is forgotten
}

// NewKeys returns an empty index.
func NewKeys() *Keys {
	return &Keys{byKey: map[keyHash]keyed{}, bySubmitter: map[keyHash]*owner{}, most: maxKeys, each: maxKeysOfSubmitter}
}

// Remember adds an issued command of the log, in the order of the log. A command without a key, or older than
// KeyWindow, changes nothing. Nor does a Stop whose key exceeds the limits: sending a Stop twice does no harm.
func (k *Keys) Remember(seq uint64, i *swarm.Issued) {
	if i.Key == "" || time.Since(i.SubmittedAt) >= KeyWindow {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	submitter := hashKey(i.Submitter, "")
	if i.Command.Type == command.Stop && k.full(submitter) {
		return
	}
	e := keyed{seq: seq}
	copy(e.request[:], i.RequestHash)
	key, at := hashKey(i.Submitter, i.Key), i.SubmittedAt.Add(KeyWindow).Unix()
	k.byKey[key] = e
	k.order = append(k.order, expiry{key, submitter, at})
	o := k.bySubmitter[submitter]
	if o == nil {
		o = &owner{}
		k.bySubmitter[submitter] = o
	}
	o.keys++
	o.due = append(o.due, at)
}

// find returns the entry of an earlier submission with the same key, 0 for none. The error is CodeIdempotencyKeyReused
// if that submission was a different request, or CodeRateLimited if no further key of the submitter can be remembered.
// A Stop never gets CodeRateLimited.
func (k *Keys) find(s *swarm.Submission, now time.Time) (seq uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(now)
	e, ok := k.byKey[hashKey(s.Submitter, s.Key)]
	switch {
	case !ok && s.Command.Type != command.Stop && k.full(hashKey(s.Submitter, "")):
		return 0, k.keysUsedUp(hashKey(s.Submitter, ""), now)
	case !ok:
		return 0, nil
	case !bytes.HasPrefix(s.RequestHash, e.request[:]):
		return 0, &swarm.Error{
			Code:   swarm.CodeIdempotencyKeyReused,
			Detail: "this Idempotency-Key was used for a different request; use a new key for a new request",
			Attrs:  map[string]any{"seq": e.seq},
		}
	}
	return e.seq, nil
}

// full reports whether a submitter can have no further key remembered.
func (k *Keys) full(submitter keyHash) bool {
	has := 0
	if o := k.bySubmitter[submitter]; o != nil {
		has = o.keys
	}
	submitters := len(k.bySubmitter)
	if has == 0 {
		submitters++
	}
	return has >= k.each || len(k.byKey) >= k.most && has >= k.most/submitters || len(k.byKey) >= 2*k.most
}

func (k *Keys) keysUsedUp(submitter keyHash, now time.Time) error {
	e := &swarm.Error{
		Code: swarm.CodeRateLimited,
		Detail: "this submitter has used too many idempotency keys within 24 h; no more can be remembered; " +
			"nothing was sent: send the command without a key, or try again later",
	}
	if o := k.bySubmitter[submitter]; o != nil && len(o.due) > 0 {
		e.Attrs = map[string]any{"retry_after": time.Unix(o.due[0], 0).Sub(now)}
	}
	return e
}

// forget drops keys older than the window.
func (k *Keys) forget(now time.Time) {
	n := 0
	for n < len(k.order) && k.order[n].at <= now.Unix() {
		e := k.order[n]
		delete(k.byKey, e.key)
		o := k.bySubmitter[e.submitter]
		if o.keys--; o.keys == 0 {
			delete(k.bySubmitter, e.submitter)
		} else {
			o.due = o.due[1:]
		}
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
