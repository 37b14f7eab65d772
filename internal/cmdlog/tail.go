package cmdlog

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// tail follows a shared log in one goroutine. It decodes each record, checks the chain of its writer, and passes the
// records of an append together, in the order of the log: those of this process in the same way as those of others.
type tail struct {
	log    *Log
	stream sharedEngine
	ids    appendIDs
	seen   *watch // what the leader of the stream last said
	ends   *ends

	running sync.WaitGroup
	part    batch         // of the append whose records are arriving; only the tail's goroutine uses it
	copied  atomic.Uint64 // the position that a log ended at that was copied into the stream; 0 for none
	history atomic.Uint64 // position up to which an earlier process may have written as this node

	mu     sync.Mutex
	change sync.Cond
	live   bool   // Notify was called
	wanted int    // how many calls wait for the tail
	next   uint64 // position of the first record that it has not begun to pass
	own    *waiting
}

// batch is an append as the tail collects it.
type batch struct {
	id      string
	whole   int // how many records it has
	first   uint64
	records []swarm.Record
	heads   logfile.Heads // after its records, of their writers only
	bytes   int64
}

func newTail(l *Log, stream sharedEngine, ids appendIDs) *tail {
	t := &tail{log: l, stream: stream, ids: ids, next: 1}
	t.history.Store(math.MaxUint64)
	t.change.L = &t.mu
	t.ends = &ends{running: &t.running, ask: func() (state, error) {
		ctx, cancel := context.WithTimeout(l.life.alive, answerTimeout)
		defer cancel()
		return stream.state(ctx)
	}}
	t.seen = newWatch(l, t.ends)
	return t
}

// start begins to follow the stream from its first record.
func (t *tail) start() {
	alive := t.log.life.alive
	context.AfterFunc(alive, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.change.Broadcast()
	})
	t.running.Go(func() {
		if err := t.stream.follow(alive, 0, t.seen.behind, t.take); err != nil && alive.Err() == nil {
			_ = t.log.life.die(err)
		}
	})
	t.running.Go(t.seen.run)
}

// began notes that this process has received all of the log up to a position.
func (t *tail) began(last uint64) { t.history.Store(last) }

// copyComplete returns an error if the stream has only a part of a log that is being copied into it: an append would
// take the place of the next record.
func (t *tail) copyComplete() error {
	if whole, last := t.copied.Load(), t.log.Last(); last < whole {
		return fmt.Errorf("the stream has %d of the %d records of a log that is being copied into it: wait for `swarmcall "+
			"log migrate` to end, or run it again", last, whole)
	}
	return nil
}

// wait returns when the goroutines have ended; the log must be dead.
func (t *tail) wait() { t.running.Wait() }

// take receives the next message of the stream. An error ends the log.
func (t *tail) take(m message) error {
	r, prev, own, err := t.log.codec.Decode(m.pos, m.data)
	if err != nil {
		return fmt.Errorf("the shared log cannot be read: %w", err)
	}
	if err := t.ids.check(m, t.history.Load()); err != nil {
		return err
	}
	if m.copied > 0 {
		t.copied.Store(m.copied)
	}
	b := &t.part
	if len(b.records) == 0 {
		*b = batch{id: m.id, whole: max(1, m.records), first: m.pos, heads: logfile.Heads{}}
	} else if b.id != m.id {
		return fmt.Errorf("the shared log is damaged: the append at position %d has %d records, and another one begins "+
			"at %d", b.first, b.whole, m.pos)
	}
	writer := logfile.Writer(r)
	if prev != t.head(writer).Sum {
		return fmt.Errorf("the shared log is damaged: %w", &DamagedError{
			Position: m.pos, To: m.pos,
			What: fmt.Sprintf("it does not follow the record of %q at position %d", writer, t.head(writer).Position),
		})
	}
	b.records = append(b.records, r)
	b.heads[writer] = logfile.Head{Position: m.pos, Sum: own}
	b.bytes += int64(len(m.data)) + t.log.limits.overhead
	if len(b.records) < b.whole {
		return nil
	}
	whole := *b
	*b = batch{}
	return t.pass(whole)
}

// head returns the newest record of a writer, also if its append is not whole yet.
func (t *tail) head(writer string) logfile.Head {
	if h, ok := t.part.heads[writer]; ok {
		return h
	}
	return t.log.heads[writer] // only this goroutine changes it
}

// pass passes an append that is whole, once there is somebody to receive it.
func (t *tail) pass(b batch) error {
	a := swarm.Appended{First: b.first, Records: b.records}
	w, err := t.begin(&a, b.id)
	if err != nil {
		return err
	}
	heads := t.log.heads.Clone()
	maps.Copy(heads, b.heads)
	t.log.pass(a, heads, b.bytes)
	if w != nil {
		w.end(a.Own)
	}
	return nil
}

// begin waits until an append may be passed, and determines whether it is the one that Append waits for. If it is
// another one, it has overtaken that append, which is returned as well.
func (t *tail) begin(a *swarm.Appended, id string) (*waiting, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !t.live && t.wanted == 0 {
		if err := t.log.life.failure(); err != nil {
			return nil, err
		}
		t.change.Wait()
	}
	t.next = a.Last() + 1
	w := t.own
	if w == nil {
		return nil, nil
	}
	t.own = nil
	a.Own = w.id == id
	return w, nil
}

// open lets the tail move freely.
func (t *tail) open() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.live = true
	t.change.Broadcast()
}

// want lets the tail move until done is called.
func (t *tail) want() (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wanted++
	t.change.Broadcast()
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.wanted--
	}
}

func (t *tail) reach(ctx context.Context, pos uint64) error {
	defer t.want()()
	if err := t.log.passed.wait(ctx, t.log.life.alive, pos); err != nil {
		return &swarm.Error{
			Code: swarm.CodeLogUnavailable, Cause: err,
			Detail: fmt.Sprintf("this server has not received the log up to position %d yet; it has %d", pos,
				t.log.Last()),
		}
	}
	return nil
}

func (t *tail) catchUp(ctx context.Context) error {
	end, err := t.ends.get(ctx)
	if err != nil {
		return &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "the end of the log cannot be read at the moment", Cause: err,
		}
	}
	return t.reach(ctx, end.last)
}

// appendIDs makes and checks the ids of appends: node, instance of the process, and a counter.
type appendIDs struct {
	node, instance string
	count          *uint64
}

func (i appendIDs) next() string {
	*i.count++
	return fmt.Sprintf("%s/%s/%d", i.node, i.instance, *i.count)
}

// check returns an error if another process writes under the name of this node: one name is one chain and one lease.
// Up to the position history, the process before this one may have written.
func (i appendIDs) check(m message, history uint64) error {
	node, rest, _ := strings.Cut(m.id, "/")
	instance, _, _ := strings.Cut(rest, "/")
	if m.pos <= history || node != i.node || instance == i.instance {
		return nil
	}
	return fmt.Errorf("another process writes to the shared log as node %q, at position %d; give each server its own "+
		"--node-name", i.node, m.pos)
}
