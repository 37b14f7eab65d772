package hostile

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestSocketsThatNeverRegister opens thousands of sockets with a driver's token that send nothing after the handshake,
// and do not answer a close. Every tenth has no valid token, and gets no socket. The server closes each with 4005 and
// cuts its connection, all that it used for them is free again, and a driver obeys meanwhile.
//
// The runtime keeps about 400 bytes for each goroutine that has ever run at a time. So the memory is compared with that
// after a first round.
func TestSocketsThatNeverRegister(t *testing.T) {
	n := manySockets(t)
	s := startProcess(t)
	w := s.join()
	alone := w.commands(t, 50)
	first := s.size()
	first = s.round(t, w, n, size{heap: 1 << 40, goroutines: first.goroutines}, alone)
	s.round(t, w, n, first, alone)
}

// round opens n sockets, waits for their end, and until the server uses as much as at base again. It returns what it
// uses then.
func (s *process) round(t *testing.T, w *witness, n int, base size, alone times) (after size) {
	t.Helper()
	pace := time.NewTicker(50 * time.Millisecond) // the server remembers commands: many would hide what sockets leave
	defer pace.Stop()
	began := time.Now()
	all := s.openSockets(n)
	var peak size
	var beside times
	for !all.over() {
		<-pace.C
		beside = append(beside, w.command(t))
		if peak.heap == 0 && all.opened() {
			peak = s.size()
		}
	}
	took := time.Since(began)
	if wrong := all.wrong.Load(); wrong > 0 {
		t.Errorf("%d of %d sockets had another end than they should; the first: %v", wrong, n, all.first)
	}
	after = s.backTo(base, peak)
	t.Logf("%d sockets, %d of them refused before the upgrade, all closed after %v; %d were open at a time at most",
		n, all.refused.Load(), took.Round(time.Millisecond), all.most.Load())
	t.Logf("the server used %v when all were open, and %v afterwards", peak, after)
	t.Logf("%d commands beside, their median %v, alone %v; the slowest %v", len(beside), beside.median(), alone.median(),
		slices.Max(beside))
	return after
}

// manySockets is how many sockets to open: as many as `make soak` promises, or fewer. Both processes need a file for
// each.
func manySockets(t *testing.T) int {
	t.Helper()
	n := 2000
	if soak {
		n = 10_000
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if limit.Cur < uint64(n+500) {
		testenv.SkipOrFail(t, "%d sockets need a higher limit of open files than %d: ulimit -n %d", n, limit.Cur, n+500)
	}
	return n
}

// sockets are many silent sockets.
type sockets struct {
	n                 int
	ended             chan struct{} // closed when all have ended
	tried, open, most atomic.Int64
	refused, wrong    atomic.Int64
	first             error // what was wrong; set once, before wrong is above 0
	once              sync.Once
}

// openSockets opens n sockets, some at a time.
func (s *process) openSockets(n int) *sockets {
	all := &sockets{n: n, ended: make(chan struct{})}
	var running sync.WaitGroup
	dialing := make(chan struct{}, 200) // so that the queue of new connections is not full
	for i := range n {
		running.Go(func() {
			if err := all.live(s.addr, s.tokenOf(i), dialing); err != nil {
				all.once.Do(func() { all.first = err })
				all.wrong.Add(1)
			}
		})
	}
	go func() { // ends with the last socket
		running.Wait()
		close(all.ended)
	}()
	return all
}

func (s *process) tokenOf(i int) string {
	switch i % 20 {
	case 0:
		return ""
	case 10:
		return s.fleet + "x"
	}
	return s.fleet
}

// live is the life of one socket. The error is nil if it ended as it should.
func (all *sockets) live(addr, token string, dialing chan struct{}) error {
	dialing <- struct{}{}
	p, err := dial(addr, token)
	<-dialing
	all.tried.Add(1)
	if refused, ok := errors.AsType[refusal](err); ok {
		if refused != http.StatusUnauthorized && refused != http.StatusTooManyRequests {
			return err
		}
		all.refused.Add(1)
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = p.Close() }()
	now := all.open.Add(1)
	defer all.open.Add(-1)
	for most := all.most.Load(); now > most && !all.most.CompareAndSwap(most, now); most = all.most.Load() {
	}
	op, payload, err := p.next()
	if err != nil {
		return err
	}
	if op != opClose || codeOf(payload) != 4005 {
		return errors.New("the server sends " + payload)
	}
	if _, payload, err = p.next(); err == nil {
		return errors.New("after the close the server sends " + payload)
	}
	if strings.Contains(err.Error(), "timeout") {
		return err
	}
	return nil
}

func (all *sockets) opened() bool { return all.tried.Load() == int64(all.n) }

func (all *sockets) over() bool {
	select {
	case <-all.ended:
		return true
	default:
		return false
	}
}

// backTo waits until the server uses as much as at base again, but for a tenth of what it used at its peak and what
// varies without a cause.
func (s *process) backTo(base, peak size) size {
	s.t.Helper()
	most := size{
		heap:       base.heap + max(0, peak.heap-base.heap)/10 + 1<<20,
		goroutines: base.goroutines + max(0, peak.goroutines-base.goroutines)/10 + 10,
	}
	for began := time.Now(); ; {
		now := s.size()
		if now.heap <= most.heap && now.goroutines <= most.goroutines {
			return now
		}
		if time.Since(began) > patience {
			s.t.Errorf("the server used %v before, %v at its peak, and still uses %v", base, peak, now)
			return now
		}
	}
}
