package process_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

const (
	allBackIn = 30 * time.Second
	apiAnswer = 500 * time.Millisecond // for the slowest answer meanwhile: they are too few for a percentile
)

// TestReconnectStorm drops all connections of a large swarm at once: first the connections alone, then by a kill -9 of
// the server. All reconnect as the protocol demands, with full jitter. Meanwhile the test sends API requests all the
// time.
func TestReconnectStorm(t *testing.T) {
	for range rounds(1, 5) {
		calm(t, func(broken func(string, ...any)) { storm(t, broken) })
	}
}

func storm(t *testing.T, broken func(string, ...any)) {
	t.Helper()
	n := min(rounds(2000, 3000), int(openFiles(t)/4)) // a connection is a file here and one in the server
	w := &world{t: t, launch: launch{dir: t.TempDir(),
		args: []string{"--stale-after", "30s", "--heartbeat-interval", "5s"}}}
	w.server = w.launch.mustStart(t)
	w.client = newClient("http://" + w.server.Addr)
	f := newReconnecting(t, w.server.Addr, n)
	eventually(t, patience, "the drivers are active", func() bool { return w.client.active(t.Context()) == n })
	rss := w.server.peakBytes(t)

	answers := w.ask()
	joins := f.joins.Load()
	f.drop()
	back := w.watch(f, n, joins)
	times := answers()
	t.Logf("%d connections dropped at once: %s; of %d answers of the API meanwhile the slowest took %v; %d MiB at "+
		"most, %d KiB per driver",
		n, back, len(times), slices.Max(times).Round(time.Millisecond), w.server.peakBytes(t)>>20, rss>>10/int64(n))
	if back.last > allBackIn || slices.Max(times) > apiAnswer {
		broken("all back after %v, the slowest answer of the API after %v", back.last, slices.Max(times))
	}

	joins = f.joins.Load()
	w.server.Kill()
	w.launch.args = append(w.launch.args, "--listen", w.server.Addr)
	w.server = w.launch.mustStart(t)
	back = w.watch(f, n, joins)
	t.Logf("kill -9 under %d drivers: %s after the server answers; %d MiB at most", n, back, w.server.peakBytes(t)>>20)
	if back.last > allBackIn {
		broken("after a kill -9 all were back after %v", back.last)
	}
	w.all(t, n, command{submitter: "ops", players: 1, deadline: 30 * time.Second})
	f.leave()
	w.server.Kill()
}

// reconnecting is many bare drivers that reconnect when they are dropped.
type reconnecting struct {
	leave func()
	joins atomic.Int64 // how often a driver was registered

	mu    sync.Mutex
	conns map[*bare]struct{}
}

func newReconnecting(t *testing.T, addr string, n int) *reconnecting {
	t.Helper()
	f := &reconnecting{conns: map[*bare]struct{}{}}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	f.leave = sync.OnceFunc(func() {
		cancel()
		f.drop()
		running.Wait()
	})
	t.Cleanup(f.leave)
	running.Go(func() { f.heartbeat(ctx) })
	for i := range n {
		running.Go(func() { f.keepConnected(ctx, addr, fmt.Sprintf("bare-%d", i+1)) })
	}
	return f
}

// keepConnected keeps a driver connected, and waits as D16 of the protocol says: 0 to 0.5 s · 2ⁿ, at most 30 s.
func (f *reconnecting) keepConnected(ctx context.Context, addr, id string) {
	for attempt := 0; ctx.Err() == nil; attempt++ {
		if b, err := join(addr, id, patience); err == nil {
			f.joins.Add(1)
			f.serve(ctx, b)
			attempt = 0
		}
		wait := time.Duration(rand.Float64() * float64(min(wire.ReconnectCap, wire.ReconnectBase<<min(attempt, 10))))
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (f *reconnecting) serve(ctx context.Context, b *bare) {
	f.mu.Lock()
	f.conns[b] = struct{}{}
	f.mu.Unlock()
	if ctx.Err() == nil { // else drop may have come before
		b.obey()
	}
	f.mu.Lock()
	delete(f.conns, b)
	f.mu.Unlock()
	_ = b.conn.Close()
}

// drop closes every connection.
func (f *reconnecting) drop() {
	for _, b := range f.all() {
		_ = b.conn.Close()
	}
}

func (f *reconnecting) all() (all []*bare) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for b := range f.conns {
		all = append(all, b)
	}
	return all
}

func (f *reconnecting) heartbeat(ctx context.Context) {
	frame := whole(opText, `{"type":"heartbeat"}`)
	for tick := time.NewTicker(5 * time.Second); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
			for _, b := range f.all() {
				_ = b.write(frame)
			}
		}
	}
}

// ask lists drivers and reads the state all the time until answers is called, which returns how long each answer took.
func (w *world) ask() (answers func() []time.Duration) {
	var over atomic.Bool
	var times []time.Duration
	done := make(chan struct{})
	go func() { // ends when answers is called
		defer close(done)
		for i := 0; !over.Load(); i++ {
			path := []string{"/drivers?limit=10", "/state?limit=10", "/livez"}[i%3]
			began := time.Now()
			if a, err := w.client.do(w.t.Context(), "GET", path, nil, ""); err != nil || a.status != 200 {
				w.t.Errorf("GET %s in a storm: %d %s %v", path, a.status, a.body, err)
			}
			times = append(times, time.Since(began))
		}
	}()
	return func() []time.Duration {
		over.Store(true)
		<-done
		return times
	}
}

// returned has the times after which shares of the drivers were back.
type returned struct{ half, most, last time.Duration }

func (r returned) String() string {
	return fmt.Sprintf("50 %% back after %v, 99 %% after %v, all after %v",
		r.half.Round(time.Millisecond), r.most.Round(time.Millisecond), r.last.Round(time.Millisecond))
}

// watch waits until n drivers have joined once more and are active.
func (w *world) watch(f *reconnecting, n int, joins int64) (r returned) {
	w.t.Helper()
	began := time.Now()
	eventually(w.t, patience+allBackIn, "the drivers are back", func() bool {
		back, active := int(f.joins.Load()-joins), w.client.active(w.t.Context())
		took := time.Since(began)
		if back >= n/2 && r.half == 0 {
			r.half = took
		}
		if back >= n*99/100 && r.most == 0 {
			r.most = took
		}
		r.last = took
		return back >= n && active == n
	})
	return r
}

func percentile(l []time.Duration, p int) time.Duration {
	l = slices.Sorted(slices.Values(l))
	return l[(len(l)-1)*p/100].Round(10 * time.Microsecond)
}

// openFiles is how many files this process may have open.
func openFiles(t *testing.T) uint64 {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	return limit.Cur
}
