package limits

import (
	"container/list"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate is how often something may happen. The zero Rate is no limit.
type Rate struct {
	PerSecond float64 // 0: no limit
	Burst     int     // how many may come at once after a pause; at least 1
}

func (r Rate) unlimited() bool { return !(r.PerSecond > 0) } // also not a number

// Keyed limits the rate of each key on its own. It is safe for concurrent use. A nil Keyed limits nothing.
type Keyed struct {
	rate Rate
	max  int
	fill time.Duration // how long an empty bucket takes to be full

	mu      sync.Mutex
	buckets map[string]*list.Element // of *bucket
	recent  list.List                // the same buckets, the most recently used first
}

type bucket struct {
	key    string
	tokens *rate.Limiter
	used   time.Time
}

// NewKeyed returns a Keyed for at most maxKeys keys at a time. When a further key comes, the least recently used one
// is forgotten: when it comes again, its bucket is full.
func NewKeyed(r Rate, maxKeys int) *Keyed {
	r.Burst = max(r.Burst, 1)
	return &Keyed{
		rate: r, max: max(maxKeys, 1), fill: duration(float64(r.Burst), r.PerSecond),
		buckets: map[string]*list.Element{},
	}
}

// Take takes a token of a key. Without one it reports false, takes nothing, and says when there will be one: after that
// time Take succeeds, unless others take the token first.
func (k *Keyed) Take(key string) (retryAfter time.Duration, ok bool) {
	if k == nil || k.rate.unlimited() {
		return 0, true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now() // with the lock held: a bucket must not see time go back
	tokens := k.bucket(key, now)
	if tokens.AllowN(now, 1) {
		return 0, true
	}
	return duration(1-tokens.TokensAt(now), k.rate.PerSecond), false
}

// bucket returns the tokens of a key, and drops keys that nobody needs to remember.
func (k *Keyed) bucket(key string, now time.Time) *rate.Limiter {
	e, known := k.buckets[key]
	if known {
		b := e.Value.(*bucket)
		b.used = now
		k.recent.MoveToFront(e)
		k.dropFull(now)
		return b.tokens
	}
	k.dropFull(now)
	if len(k.buckets) >= k.max {
		k.drop(k.recent.Back())
	}
	b := &bucket{key: key, tokens: rate.NewLimiter(rate.Limit(k.rate.PerSecond), k.rate.Burst), used: now}
	k.buckets[key] = k.recent.PushFront(b)
	return b.tokens
}

// dropFull drops at most two buckets that are full because nobody has used them. To forget a full bucket changes
// nothing. Two are more than a call can add, so all of them go in time, and no call takes long.
func (k *Keyed) dropFull(now time.Time) {
	for range 2 {
		e := k.recent.Back()
		if e == nil || now.Sub(e.Value.(*bucket).used) < k.fill {
			return
		}
		k.drop(e)
	}
}

func (k *Keyed) drop(e *list.Element) { delete(k.buckets, k.recent.Remove(e).(*bucket).key) }

// duration returns how long some tokens take, rounded up: a client that waits so long must not be a moment early.
func duration(tokens, perSecond float64) time.Duration {
	const most = math.MaxInt64 / 2
	return time.Duration(min(math.Ceil(tokens/perSecond*float64(time.Second)), most)) + 1
}
