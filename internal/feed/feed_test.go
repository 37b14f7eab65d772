package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// memLog keeps all records, as a log does.
type memLog struct {
	mu      sync.Mutex
	records []swarm.Record
	feed    *Feed
}

func (l *memLog) append(records ...swarm.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := uint64(len(l.records)) + 1
	l.records = append(l.records, records...)
	if l.feed != nil {
		l.feed.Add(first, records)
	}
}

func (l *memLog) Records(_ context.Context, after uint64, limit int) ([]swarm.Stored, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []swarm.Stored
	for pos := after + 1; pos <= uint64(len(l.records)) && len(out) < limit; pos++ {
		out = append(out, swarm.Stored{Position: pos, Record: l.records[pos-1]})
	}
	return out, nil
}

func (l *memLog) Entry(_ context.Context, seq uint64) (swarm.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	issued, ok := l.records[seq-1].(*swarm.Issued)
	if !ok {
		return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "lost")
	}
	return swarm.Entry{Seq: seq, Issued: issued}, nil
}

func issued(submitter string) *swarm.Issued { return &swarm.Issued{Submitter: submitter} }

// collect reads from one position to another and checks that each record comes exactly once.
func collect(t *testing.T, f *Feed, from, to uint64) []*swarm.Event {
	t.Helper()
	var out []*swarm.Event
	for at := from; at < to; {
		events, err := f.After(t.Context(), at)
		if err != nil {
			t.Error(err)
			return nil
		}
		for _, e := range events {
			if at++; e.Position != at {
				t.Errorf("got position %d, want %d", e.Position, at)
				return nil
			}
			if seq := e.Seq(); seq != 0 && (e.Issued == nil || e.Issued.Submitter != fmt.Sprint(seq)) {
				t.Errorf("position %d belongs to entry %d, the event says %+v", e.Position, seq, e.Issued)
			}
		}
		out = append(out, events...)
	}
	return out
}

// fill appends n pairs of a command and its outcome.
func fill(l *memLog, n int) {
	for range n {
		l.mu.Lock()
		seq := uint64(len(l.records)) + 1
		l.mu.Unlock()
		l.append(issued(fmt.Sprint(seq)))
		l.append(&swarm.Closed{Seq: seq})
	}
}

func TestReadersFromAnywhereMissNothing(t *testing.T) {
	l := &memLog{}
	fill(l, 300) // before the feed existed
	l.feed = New(l, 600)
	var readers sync.WaitGroup
	const end = 600 + 2*ringSize
	for _, from := range []uint64{0, 1, 599, 600} {
		readers.Go(func() { collect(t, l.feed, from, end) })
	}
	fill(l, ringSize)
	readers.Wait()
	for _, from := range []uint64{0, 601, end - ringSize - 1, end - ringSize, end - 1} {
		collect(t, l.feed, from, end)
	}
	if got := l.feed.Last(); got != end {
		t.Errorf("last is %d, want %d", got, end)
	}
	if n := len(l.feed.ring); n > ringSize*5/4 {
		t.Errorf("the ring holds %d events", n)
	}
	if n := len(l.feed.issued); n > ringSize {
		t.Errorf("%d commands are remembered", n)
	}
}

func TestAnOutcomeOfAnEarlierProcessHasItsCommand(t *testing.T) {
	l := &memLog{}
	l.append(issued("1"))
	l.feed = New(l, 1)
	l.append(&swarm.Late{Seq: 1}, &swarm.Reset{})
	events := collect(t, l.feed, 1, 3)
	if events[0].Issued == nil || events[1].Issued != nil {
		t.Errorf("got %+v and %+v", events[0].Issued, events[1].Issued)
	}
}

func TestARecordOfALostCommandIsStillDelivered(t *testing.T) {
	l := &memLog{records: []swarm.Record{&swarm.Reset{}}}
	l.feed = New(l, 1)
	l.append(&swarm.Closed{Seq: 1})
	events, err := l.feed.After(t.Context(), 1)
	if err != nil || len(events) != 1 || events[0].Issued != nil {
		t.Errorf("got %v %v", events, err)
	}
}

func TestWaitingEndsWithTheContextAndWithTheFeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &memLog{}
		l.feed = New(l, 0)
		ctx, cancel := context.WithCancel(t.Context())
		got := make(chan error, 2)
		for _, ctx := range []context.Context{ctx, t.Context()} {
			go func() {
				_, err := l.feed.After(ctx, 0)
				got <- err
			}()
		}
		synctest.Wait()
		cancel()
		if err := <-got; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v, want the context's error", err)
		}
		l.feed.Close()
		l.feed.Close()
		if err := <-got; !errors.Is(err, ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		l.append(issued("1")) // must not panic
	})
}

func TestAnEventIsEncodedOnceForAll(t *testing.T) {
	l := &memLog{}
	l.feed = New(l, 0)
	l.append(issued("1"))
	times := 0
	for range 3 {
		for _, e := range collect(t, l.feed, 0, 1) {
			e.Encoded(func(*swarm.Event) []byte { times++; return nil })
		}
	}
	if times != 1 {
		t.Errorf("encoded %d times", times)
	}
}

// TestTheRingIsBoundedByBytes: records of large swarms leave the ring sooner, and readers read them from the log in
// small batches.
func TestTheRingIsBoundedByBytes(t *testing.T) {
	const drivers, commands = 1000, 400
	l := &memLog{}
	l.feed = New(l, 0)
	l.feed.most = 2 << 20
	targets, verdicts := make([]string, drivers), make([]swarm.Verdict, drivers)
	for i := range commands {
		seq := uint64(2*i) + 1
		l.append(&swarm.Issued{Submitter: fmt.Sprint(seq), Targets: targets})
		l.append(&swarm.Closed{Seq: seq, Verdicts: verdicts})
		if l.feed.bytes > l.feed.most {
			t.Fatalf("the ring holds %d bytes after %d commands", l.feed.bytes, i+1)
		}
	}
	sum := 0
	for _, n := range l.feed.sizes {
		sum += n
	}
	if n := len(l.feed.ring); n != len(l.feed.sizes) || sum != l.feed.bytes || n < 10 || n > 60 {
		t.Errorf("the ring holds %d events of %d bytes, and counts %d", n, sum, l.feed.bytes)
	}
	events := collect(t, l.feed, 0, 2*commands)
	if len(events) != 2*commands {
		t.Errorf("read %d events", len(events))
	}
	batch, err := l.feed.After(t.Context(), 0)
	if err != nil || len(batch) > 3*readStep {
		t.Errorf("a reader far behind takes %d events at once, %v", len(batch), err)
	}
	batch, err = l.feed.After(t.Context(), l.feed.ring[0].Position-1)
	if n := len(l.feed.ring); err != nil || len(batch) >= n || len(batch) > 3*readStep {
		t.Errorf("a reader a little behind takes %d events of %d at once, %v", len(batch), n, err)
	}
	l.append(&swarm.Closed{Seq: 1, Verdicts: make([]swarm.Verdict, 100*drivers)})
	if got, err := l.feed.After(t.Context(), 2*commands); err != nil || len(got) != 1 {
		t.Errorf("an event over the bound: %v %v", got, err)
	}
}
