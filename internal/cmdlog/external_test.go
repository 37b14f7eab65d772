package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestLogContractOfASharedLog(t *testing.T) {
	s := runNATS(t)
	n := 0
	swarmtest.LogContract(t, func(t *testing.T) swarmtest.Log {
		n++
		l := join(t, s.ClientURL(), "test", inStream(fmt.Sprintf("LOG%d", n)))
		l.Notify(func(swarm.Appended) {})
		return l
	})
}

// TestASharedLogBeforeNotify: until Notify is called, the log only moves while somebody waits for it, and what others
// append goes to Replay.
func TestASharedLogBeforeNotify(t *testing.T) {
	s := runNATS(t)
	a := join(t, s.ClientURL(), "a")
	collect(a)
	var replayed []uint64
	b := join(t, s.ClientURL(), "b", func(cfg *Shared) {
		cfg.Replay = func(pos uint64, _ swarm.Record) { replayed = append(replayed, pos) }
	})
	if b.ID() != a.ID() || b.Last() != 1 || !slices.Equal(replayed, []uint64{1}) {
		t.Fatalf("b has log %s up to %d, replayed %v; a has %s", b.ID(), b.Last(), replayed, a.ID())
	}
	add(t, a, swarmtest.Issued("ci", "x"))
	if _, err := b.Append(t.Context(), b.Last(), []swarm.Record{swarmtest.Issued("ci", "y")}); !errors.Is(err,
		swarm.ErrConflict) {
		t.Fatalf("an append after an older position: %v", err)
	}
	add(t, b, swarmtest.Issued("ci", "y"))
	add(t, a2(t, a, 3), swarmtest.Issued("ci", "z"))
	if err := b.CatchUp(t.Context()); err != nil || b.Last() != 4 {
		t.Fatalf("b is at %d: %v", b.Last(), err)
	}
	if !slices.Equal(replayed, []uint64{1, 2, 4}) {
		t.Errorf("b replayed %v; it appended 3 itself", replayed)
	}
	c := collect(b)
	add(t, a, swarmtest.Issued("ci", "z"))
	if got := c.next(t); got.First != 5 || got.Own {
		t.Errorf("after Notify: %+v", got)
	}
}

// a2 returns l when it has received a position.
func a2(t *testing.T, l *Log, pos uint64) *Log {
	t.Helper()
	if err := l.Reach(t.Context(), pos); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestServersShareALog: three logs on one stream append at the same time. Each append is stored once, all tails pass
// the same appends in the same order, and each is one node's own.
func TestServersShareALog(t *testing.T) {
	s := runNATS(t)
	compete(t, []string{s.ClientURL(), s.ClientURL(), s.ClientURL()}, 1, 4, 40)
}

func TestAClusterSharesALog(t *testing.T) {
	var urls []string
	for _, s := range runCluster(t) {
		urls = append(urls, s.ClientURL())
	}
	compete(t, urls, 3, 2, 20)
}

// compete lets the writers of each of three logs make appends, and checks what was stored.
func compete(t *testing.T, urls []string, replicas, writers, each int) {
	t.Helper()
	var logs []*Log
	var tails []*collector
	for i, url := range urls {
		l := join(t, url, fmt.Sprintf("node-%d", i), func(cfg *Shared) { cfg.Replicas = replicas })
		logs, tails = append(logs, l), append(tails, collect(l))
	}
	began := time.Now()
	var all sync.WaitGroup
	for i, l := range logs {
		for w := range writers {
			all.Go(func() { appendMany(t, l, fmt.Sprintf("node-%d", i), w, each) })
		}
	}
	all.Wait()
	t.Logf("%d appends in %v", len(logs)*writers*each, time.Since(began))
	last := uint64(0)
	for _, l := range logs {
		if err := l.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		last = max(last, l.Last())
	}
	own := map[uint64]int{}
	var first []swarm.Appended
	for i, c := range tails {
		got := c.rest()
		for k := range got {
			if got[k].Own {
				own[got[k].First]++
				got[k].Own = false
			}
		}
		if logs[i].Last() != last {
			t.Errorf("log %d is at %d, want %d", i, logs[i].Last(), last)
		}
		if i == 0 {
			first = got
		} else if diff := cmp.Diff(tailOf(first), tailOf(got)); diff != "" {
			t.Errorf("log %d has another order:\n%s", i, diff)
		}
	}
	checkOnce(t, logs[0], len(logs)*writers*each)
	if len(own) != len(logs)*writers*each {
		t.Errorf("%d appends are somebody's own, want %d", len(own), len(logs)*writers*each)
	}
	for pos, n := range own {
		if n != 1 {
			t.Errorf("the append at %d is own to %d logs", pos, n)
		}
	}
	fresh := join(t, urls[0], "reader", func(cfg *Shared) { cfg.Replicas = replicas }) // verifies all chains
	if fresh.Last() != last {
		t.Errorf("a new node reads up to %d, want %d", fresh.Last(), last)
	}
}

// tailOf describes appends: a log that joined later did not pass the first ones.
func tailOf(all []swarm.Appended) (out []string) {
	for _, a := range all {
		names := make([]string, len(a.Records))
		for i, r := range a.Records {
			names[i] = fmt.Sprintf("%T", r)
			if issued, ok := r.(*swarm.Issued); ok {
				names[i] = issued.Submitter
			}
		}
		out = append(out, fmt.Sprintf("%d %v", a.First, names))
	}
	return out
}

// appendMany makes appends of one to three records; each decides again after a conflict.
func appendMany(t *testing.T, l *Log, node string, writer, each int) {
	for i := range each {
		records := make([]swarm.Record, 1+i%3)
		for k := range records {
			r := swarmtest.Issued(fmt.Sprintf("%s/%d/%d/%d", node, writer, i, k), "d")
			r.Node = node
			records[k] = r
		}
		for {
			after := l.Last()
			first, err := l.Append(t.Context(), after, records)
			if errors.Is(err, swarm.ErrConflict) {
				if l.Last() == after {
					t.Errorf("a conflict at %d, and the log is still there", after)
				}
				continue
			}
			if err != nil || first != after+1 || l.Last() < first+uint64(len(records))-1 {
				t.Errorf("append after %d: at %d, %v; the log is at %d", after, first, err, l.Last())
			}
			break
		}
	}
}

// checkOnce checks that the log has n appends, each record once and the records of an append together.
func checkOnce(t *testing.T, l *Log, n int) {
	t.Helper()
	p, err := l.Page(t.Context(), swarm.Query{Limit: 1 << 20, Ascending: true})
	if err != nil {
		t.Fatal(err)
	}
	met, appends, before := map[string]bool{}, 0, ""
	for _, e := range p.Entries {
		name := e.Issued.Submitter
		if met[name] {
			t.Errorf("%s is in the log twice", name)
		}
		met[name] = true
		at := strings.LastIndexByte(name, '/')
		if name[at:] == "/0" {
			appends++
		} else if before[:strings.LastIndexByte(before, '/')] != name[:at] {
			t.Errorf("%s comes after %s", name, before)
		}
		before = name
	}
	if appends != n {
		t.Errorf("%d appends are in the log, want %d", appends, n)
	}
}

// TestAConflictReturnsAfterTheWinner: when Append reports a conflict, the function of Notify has received what was
// appended first.
func TestAConflictReturnsAfterTheWinner(t *testing.T) {
	s := runNATS(t)
	a, b := join(t, s.ClientURL(), "a"), join(t, s.ClientURL(), "b")
	collect(a)
	c := collect(b)
	c.hold = make(chan struct{}) // b's tail stands still once it has received something
	add(t, a, swarmtest.Issued("first", "x"))
	c.next(t)
	if b.Last() != 1 {
		t.Fatalf("b is at %d while its tail stands still", b.Last())
	}
	done := make(chan error, 1)
	go func() {
		_, err := b.Append(context.Background(), 1, []swarm.Record{swarmtest.Issued("second", "x")})
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatalf("answered before the winner was passed: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(c.hold)
	if err := <-done; !errors.Is(err, swarm.ErrConflict) || b.Last() != 2 {
		t.Errorf("%v; b is at %d", err, b.Last())
	}
}

// TestALogThatLags: while the tail stands still, others append. CatchUp and Reach wait for it, and an append after its
// position loses.
func TestALogThatLags(t *testing.T) {
	s := runNATS(t)
	a, b := join(t, s.ClientURL(), "a"), join(t, s.ClientURL(), "b")
	collect(a)
	c := collect(b)
	c.hold = make(chan struct{})
	for range 10 {
		add(t, a, swarmtest.Issued("ci", "x"))
	}
	c.next(t)
	eventually(t, "it knows how far it is behind", func() bool { return b.Lag() > 8 })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := b.CatchUp(ctx); swarm.CodeOf(err) != swarm.CodeLogUnavailable {
		t.Errorf("CatchUp of a tail that stands still: %v", err)
	}
	if err := b.Reach(ctx, 11); swarm.CodeOf(err) != swarm.CodeLogUnavailable {
		t.Errorf("Reach: %v", err)
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if err := b.CatchUp(t.Context()); err != nil || b.Last() != 11 {
				t.Errorf("CatchUp: %v at %d", err, b.Last())
			}
		})
	}
	close(c.hold)
	all.Wait()
	if a.Lag() != 0 || b.Lag() != 0 {
		t.Errorf("behind by %d and %d", a.Lag(), b.Lag())
	}
	if e, err := b.Entry(t.Context(), 11); err != nil || e.Issued.Submitter != "ci" {
		t.Errorf("%+v %v", e, err)
	}
}

func TestTheSizeOfABatch(t *testing.T) {
	s := runNATS(t)
	l := join(t, s.ClientURL(), "a")
	c := collect(l)
	for _, n := range []int{1, 2, 999, 1000, 1001} {
		records := make([]swarm.Record, n)
		for i := range records {
			records[i] = swarmtest.Issued(fmt.Sprint(n), "x")
		}
		before := l.Last()
		_, err := l.Append(t.Context(), before, records)
		if n > 1000 {
			if swarm.CodeOf(err) != swarm.CodeLogUnavailable || !strings.Contains(fmt.Sprint(err), "1001 records") {
				t.Errorf("%d records: %v", n, err)
			}
			if err := l.CatchUp(t.Context()); err != nil || l.Last() != before {
				t.Errorf("%v; the log has grown to %d", err, l.Last())
			}
			continue
		}
		if got := c.next(t); err != nil || len(got.Records) != n || !got.Own || got.First != before+1 {
			t.Errorf("%d records: %v; %d passed at %d, own %v", n, err, len(got.Records), got.First, got.Own)
		}
	}
}

// TestAWritersName: a second process with the name of this node ends the log.
func TestAWritersName(t *testing.T) {
	s := runNATS(t)
	a := join(t, s.ClientURL(), "same")
	collect(a)
	add(t, a, swarmtest.Issued("ci", "x"))
	b := join(t, s.ClientURL(), "same") // history of an earlier process is no reason
	collect(b)
	add(t, b, swarmtest.Issued("ci", "x"))
	failedFor(t, a, "--node-name")
	if _, err := a.Append(t.Context(), a.Last(), []swarm.Record{swarmtest.Stop("ci", "x")}); swarm.CodeOf(err) !=
		swarm.CodeLogUnavailable {
		t.Errorf("a log that has failed: %v", err)
	}
	if a.Check(t.Context()) == nil {
		t.Error("a log that has failed is ready")
	}
}

func failedFor(t *testing.T, l *Log, word string) {
	t.Helper()
	select {
	case err := <-l.Failed():
		if !strings.Contains(err.Error(), word) {
			t.Errorf("failed for %v, want %q", err, word)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("the log does not fail for %q", word)
	}
}

// TestForeignRecords: what is no record of this log ends it, and is refused at the start.
func TestForeignRecords(t *testing.T) {
	codec, err := logfile.NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	stray, _, err := codec.Encode(swarmtest.Issued("ci", "x"), logfile.Sum{1})
	if err != nil {
		t.Fatal(err)
	}
	newer := slices.Clone(stray)
	newer[2] = 99
	begin := nats.NewMsg("")
	begin.Header.Set("Swarmcall-Append", "z/1/1")
	begin.Header.Set("Swarmcall-Records", "2")
	begin.Data, _, err = codec.Encode(swarmtest.Issued("ci", "x"), logfile.Sum{})
	if err != nil {
		t.Fatal(err)
	}
	s := runNATS(t)
	n := 0
	for word, foreign := range map[string]*nats.Msg{
		"begin with a record header": {Data: []byte("hello")},
		"does not follow":            {Data: stray},
		"newer version":              {Data: newer},
		"another one begins":         begin,
	} {
		n++
		in := inStream(fmt.Sprintf("LOG%d", n))
		l := join(t, s.ClientURL(), "a", in)
		collect(l)
		foreign.Subject = fmt.Sprintf("log%d.log", n)
		if err := l.engine.(*external).at.Conn.PublishMsg(foreign); err != nil {
			t.Fatal(err)
		}
		if foreign == begin {
			next := encoded(t, codec, []swarm.Record{swarmtest.Issued("ci", "x")})
			if err := l.engine.publish(t.Context(), parcel{id: "b/1/1", after: 2, records: next}); err != nil {
				t.Fatal(err)
			}
		}
		failedFor(t, l, word)
		if late, err := tryJoin(t, s.ClientURL(), "b", in); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("a start with such a record: %v", err)
			if err == nil {
				shut(t, late)
			}
		}
	}
}

func encoded(t *testing.T, codec *logfile.Codec, records []swarm.Record) (out [][]byte) {
	t.Helper()
	for _, r := range records {
		b, _, err := codec.Encode(r, logfile.Sum{})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// TestAStreamThatIsGone: a stream that is deleted, replaced or shorter than before ends the log.
func TestAStreamThatIsGone(t *testing.T) {
	s := runNATS(t)
	js, err := jetstream.New(dial(t, s.ClientURL()))
	if err != nil {
		t.Fatal(err)
	}
	soon := func(cfg *Shared) { cfg.patience = time.Second }
	for name, want := range map[string]string{"DELETED": "does not exist", "REPLACED": "created again"} {
		l := join(t, s.ClientURL(), "a", inStream(name), soon)
		collect(l)
		add(t, l, swarmtest.Issued("ci", "x"))
		if err := js.DeleteStream(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if name == "REPLACED" {
			other := join(t, s.ClientURL(), "b", inStream(name))
			collect(other)
		}
		failedFor(t, l, want)
	}
}

// TestAStreamThatWasShortened judges answers: one that denies what the tail has seen may come from a server that is no
// longer the leader, so it must last.
func TestAStreamThatWasShortened(t *testing.T) {
	l := &Log{limits: sharedLimits(Shared{}, state{max: 1 << 20}), life: newLife()}
	w := newWatch(l, nil)
	now := time.Now()
	short, whole := state{last: 4, max: 1 << 20}, state{last: 5, max: 1 << 20}
	for i, step := range []struct {
		state state
		after time.Duration
		ends  bool
	}{{short, 0, false}, {short, 14 * time.Second, false}, {whole, time.Second, false}, {short, time.Second, false},
		{short, 14 * time.Second, false}, {short, time.Second, true}} {
		now = now.Add(step.after)
		if err := w.judge(5, step.state, nil, now); (err != nil) != step.ends {
			t.Errorf("step %d: %v", i, err)
		}
		if healthy := w.health() == nil; healthy != (step.state == whole) {
			t.Errorf("step %d: healthy %v", i, healthy)
		}
	}
}

func TestASharedLogThatIsFull(t *testing.T) {
	s := runNATS(t)
	l := join(t, s.ClientURL(), "a", func(cfg *Shared) { cfg.MaxBytes = 64 << 10 })
	collect(l)
	last, err := fill(t, l)
	refusedFor(t, err, "max_bytes")
	refusedFor(t, l.Check(t.Context()), "max_bytes")
	if !swarm.IsLogFull(err) {
		t.Errorf("%v is not for a full log", err)
	}
	if u := l.Usage(); u.Max != 64<<10 || u.Bytes < u.Max/2 || u.Bytes > u.Max {
		t.Errorf("usage %+v", u)
	}
	stop := add(t, l, swarmtest.Stop("ci", "a"))
	add(t, l, swarmtest.Closed(last, swarm.Verdict{Kind: swarm.Acked}), swarmtest.Closed(stop, swarm.Verdict{
		Kind: swarm.Acked,
	}))
	for err = nil; err == nil; {
		_, err = l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Stop("ci", "a")})
	}
	if !swarm.IsLogFull(err) {
		t.Errorf("refused with %v", err)
	}
}

// TestTheStreamIsCheckedAtTheStart: one whose settings would break a guarantee is refused, with the reason.
func TestTheStreamIsCheckedAtTheStart(t *testing.T) {
	s := runNATS(t)
	js, err := jetstream.New(dial(t, s.ClientURL()))
	if err != nil {
		t.Fatal(err)
	}
	bad := stream.Config{Name: "S", Subject: "s.log", Replicas: 1, MaxBytes: 1 << 20}.Settings()
	bad.DenyDelete = false
	if _, err := js.CreateStream(t.Context(), bad); err != nil {
		t.Fatal(err)
	}
	if _, err := tryJoin(t, s.ClientURL(), "a", inStream("S")); err == nil || !strings.Contains(err.Error(),
		"deny_delete") {
		t.Errorf("such a stream: %v", err)
	}
}

func TestServersThatCannotHoldTheLog(t *testing.T) {
	plain := runNATS(t, func(o *server.Options) { o.JetStream = false })
	soon, cancel := context.WithTimeout(t.Context(), time.Second) // a cluster that starts is waited for
	defer cancel()
	_, err := Connect(soon, Shared{Conn: dial(t, plain.ClientURL()), Node: "a"})
	if err == nil || !strings.Contains(err.Error(), "JetStream is not") {
		t.Errorf("without JetStream: %v", err)
	}
	s := runNATS(t)
	if _, err := tryJoin(t, s.ClientURL(), "a", func(cfg *Shared) { cfg.Replicas = 3 }); err == nil ||
		!strings.Contains(err.Error(), "3 replicas") {
		t.Errorf("three replicas on one server: %v", err)
	}
	if _, err := tryJoin(t, s.ClientURL(), ""); err == nil || !strings.Contains(err.Error(), "--node-name") {
		t.Errorf("without a name: %v", err)
	}
}

// TestServersWithSmallMessages: the log takes records of the size that they accept.
func TestServersWithSmallMessages(t *testing.T) {
	s := runNATS(t, func(o *server.Options) { o.MaxPayload = 64 << 10 })
	l := join(t, s.ClientURL(), "a")
	collect(l)
	add(t, l, swarmtest.Issued("ci", "x"))
	if _, err := l.Append(t.Context(), l.Last(), []swarm.Record{bulky()}); swarm.CodeOf(err) !=
		swarm.CodeLogUnavailable || !strings.Contains(fmt.Sprint(err), "over the limit") {
		t.Errorf("a record of megabytes: %v", err)
	}
	add(t, l, swarmtest.Issued("ci", "x"))
}
