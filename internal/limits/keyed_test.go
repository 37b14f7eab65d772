package limits

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// taken returns how many tokens of a key can be taken now, and how long the next takes.
func taken(k *Keyed, key string) (n int, retryAfter time.Duration) {
	for {
		wait, ok := k.Take(key)
		if !ok {
			return n, wait
		}
		n++
	}
}

func TestABucketHasItsBurstAndThenItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(Rate{PerSecond: 1000, Burst: 2000}, 10)
		for _, step := range []struct {
			after time.Duration
			want  int
		}{{0, 2000}, {0, 0}, {time.Millisecond, 1}, {time.Second, 1000}, {500 * time.Microsecond, 0},
			{500 * time.Microsecond, 1}, {time.Hour, 2000}} {
			<-time.After(step.after)
			if n, _ := taken(k, "ci"); n != step.want {
				t.Errorf("%v later %d were allowed; want %d", step.after, n, step.want)
			}
		}
	})
}

// TestRetryAfterIsHonest: after exactly the time that a refusal says there is one token, and not a millisecond before,
// and asking in between does not make it later.
func TestRetryAfterIsHonest(t *testing.T) {
	for _, r := range []Rate{{1000, 2000}, {100, 200}, {20, 100}, {3, 1}, {7, 2}, {1.0 / 3, 1}, {999.7, 13}, {1e6, 5}} {
		t.Run(fmt.Sprint(r), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := NewKeyed(r, 10)
				for range 50 {
					_, wait := taken(k, "ci")
					if exact := float64(time.Second) / r.PerSecond; wait <= 0 || float64(wait) > exact+2 {
						t.Fatalf("the next token is said to take %v", wait)
					}
					if wait > time.Millisecond {
						<-time.After(wait - time.Millisecond)
						left, ok := k.Take("ci")
						if ok || left > time.Millisecond+2 || left < time.Millisecond-2 {
							t.Fatalf("1 ms before, Take says %v, %v", left, ok)
						}
						wait = left
					}
					<-time.After(wait)
					if left, ok := k.Take("ci"); !ok {
						t.Fatalf("after the time that it said, Take asks for another %v", left)
					}
				}
			})
		})
	}
}

func TestOneKeyDoesNotUseUpAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(Rate{PerSecond: 10, Burst: 10}, 10)
		for range 100_000 {
			k.Take("flood")
		}
		for range 100 {
			if n, _ := taken(k, "flood"); n > 1 {
				t.Fatalf("%d of the flood were allowed", n)
			}
			if _, ok := k.Take("calm"); !ok {
				t.Fatal("a calm key is refused")
			}
			<-time.After(100 * time.Millisecond)
		}
	})
}

func TestFullBucketsAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(Rate{PerSecond: 10, Burst: 20}, 1000)
		for i := range 100 {
			taken(k, fmt.Sprint(i))
		}
		<-time.After(2*time.Second - time.Millisecond)
		k.Take("other")
		if len(k.buckets) != 101 {
			t.Fatalf("%d keys before any bucket is full", len(k.buckets))
		}
		<-time.After(10 * time.Millisecond)
		for range 50 {
			k.Take("other")
		}
		if len(k.buckets) != 1 || k.recent.Len() != 1 {
			t.Errorf("%d keys, %d in order", len(k.buckets), k.recent.Len())
		}
	})
}

func TestTheLeastRecentlyUsedKeyIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(Rate{PerSecond: 1, Burst: 5}, 3)
		for _, key := range []string{"a", "b", "c"} {
			taken(k, key)
		}
		k.Take("a") // a refusal is a use: the one refused must not be forgotten for that
		k.Take("d") // b is forgotten
		for _, step := range []struct {
			key  string
			want int
		}{{"c", 0}, {"a", 0}, {"d", 4}, {"b", 5}} {
			if n, _ := taken(k, step.key); n != step.want {
				t.Errorf("%d of %s were allowed; want %d", n, step.key, step.want)
			}
		}
		if len(k.buckets) != 3 || k.recent.Len() != 3 {
			t.Errorf("%d keys, %d in order", len(k.buckets), k.recent.Len())
		}
	})
}

func TestNoLimit(t *testing.T) {
	var none *Keyed
	for name, k := range map[string]*Keyed{
		"nil": none, "zero": NewKeyed(Rate{}, 10), "negative": NewKeyed(Rate{PerSecond: -1, Burst: 1}, 10),
		"not a number": NewKeyed(Rate{PerSecond: math.NaN(), Burst: 1}, 10),
	} {
		for range 1000 {
			if wait, ok := k.Take("ci"); !ok || wait != 0 {
				t.Fatalf("%s: %v, %v", name, wait, ok)
			}
		}
	}
}

func TestAnExtremeRateHasAPositiveWait(t *testing.T) {
	for _, r := range []Rate{{math.SmallestNonzeroFloat64, 1}, {1e-12, 3}, {math.MaxFloat64, 1}, {1, 0}} {
		k := NewKeyed(r, 0)
		for range 100 {
			if wait, ok := k.Take("ci"); !ok && wait <= 0 {
				t.Errorf("%v: the wait is %v", r, wait)
			}
		}
	}
}

// TestConcurrentTakes: together they take exactly the burst, although others take of other keys.
func TestConcurrentTakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKeyed(Rate{PerSecond: 1, Burst: 500}, 100)
		var allowed atomic.Int64
		var running sync.WaitGroup
		for worker := range 8 {
			running.Go(func() {
				for i := range 500 {
					if _, ok := k.Take("shared"); ok {
						allowed.Add(1)
					}
					k.Take(fmt.Sprint(worker, i%9))
				}
			})
		}
		running.Wait()
		if len(k.buckets) != 73 || allowed.Load() != 500 {
			t.Errorf("%d keys, %d allowed", len(k.buckets), allowed.Load())
		}
	})
}

func BenchmarkTake(b *testing.B) {
	for _, keys := range []int{1, 10_000} {
		names := make([]string, keys)
		for i := range names {
			names[i] = fmt.Sprintf("team-%d/nightly", i)
		}
		k := NewKeyed(Rate{PerSecond: 1000, Burst: 2000}, 16_384)
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				k.Take(names[i%keys])
			}
		})
		b.Run(fmt.Sprintf("keys=%d/parallel", keys), func(b *testing.B) {
			b.RunParallel(func(p *testing.PB) {
				for i := 0; p.Next(); i++ {
					k.Take(names[i%keys])
				}
			})
		})
	}
	b.Run("new keys", func(b *testing.B) {
		k := NewKeyed(Rate{PerSecond: 20, Burst: 100}, 16_384)
		names := make([]string, 1<<16)
		for i := range names {
			names[i] = fmt.Sprint(i)
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			k.Take(names[i%len(names)])
		}
	})
}
