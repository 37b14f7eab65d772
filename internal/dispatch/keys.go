package dispatch

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// KeyWindow is how long an idempotency key is remembered, counted from the submission that used it first.
const KeyWindow = 24 * time.Hour

// These bound the keys that are remembered, and with them the memory: about 150 bytes each. Nobody can use up what
// others need: when there are maxKeys, a submitter may still use keys while it has fewer than an equal share of them.
// Names of submitters cost nothing, so twice as many is the end for all.
const (
	maxKeys            = 1_000_000
	maxKeysOfSubmitter = 100_000
)

// Keys remembers which entry an idempotency key led to. Only logged commands use a key up, and the log holds their
// keys, so a new process fills its Keys from the log. It is safe for concurrent use.
type Keys struct {
	mu          sync.Mutex
	byKey       map[keyHash]keyed
	bySubmitter map[keyHash]*owner
	order       []expiry // oldest first
	most, each  int      // bounds
}

// keyHash stands for a submitter, alone or with one of its keys. Half a SHA-256: who can make two of them collide only
// fools himself.
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

// Remember takes in an issued command of the log, in the order of the log. One without a key, or older than KeyWindow,
// changes nothing. Nor does a Stop for whose key there is no room: to send it twice stops nothing that ought to run.
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

// find returns the entry that an earlier submission with the same key led to, 0 for none. The error is of
// CodeIdempotencyKeyReused when that one asked for something else, or of CodeRateLimited when the submitter can have no
// further key remembered. A Stop is never refused for that.
func (k *Keys) find(s *swarm.Submission, now time.Time) (seq uint64, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forget(now)
	e, ok := k.byKey[hashKey(s.Submitter, s.Key)]
	switch {
	case !ok && s.Command.Type != command.Stop && k.full(hashKey(s.Submitter, "")):
		return 0, k.noRoom(hashKey(s.Submitter, ""), now)
	case !ok:
		return 0, nil
	case !bytes.HasPrefix(s.RequestHash, e.request[:]):
		return 0, &swarm.Error{
			Code:   swarm.CodeIdempotencyKeyReused,
			Detail: "this Idempotency-Key came with another request before; use a new key for a new request",
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

func (k *Keys) noRoom(submitter keyHash, now time.Time) error {
	e := &swarm.Error{
		Code: swarm.CodeRateLimited,
		Detail: "this submitter has used too many idempotency keys within 24 h to have another one remembered; " +
			"nothing was sent: send the command without a key, or later",
	}
	if o := k.bySubmitter[submitter]; o != nil && len(o.due) > 0 {
		e.Attrs = map[string]any{"retry_after": time.Unix(o.due[0], 0).Sub(now)}
	}
	return e
}

// forget drops what is older than the window.
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
