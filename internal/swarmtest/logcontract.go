package swarmtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// MostRecords is how many records every log takes in one append.
const MostRecords = 1000

// Log is a log as its users need it.
type Log interface {
	Append(ctx context.Context, after uint64, records []swarm.Record) (first uint64, err error)
	Last() uint64
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
	Page(ctx context.Context, q swarm.Query) (swarm.Page, error)
	Unclosed(ctx context.Context) ([]swarm.Entry, error)
	Notify(told func(swarm.Appended))
}

// LogContract checks what every log guarantees. open returns a log for one test, which may hold records but no entries;
// open must close it by t.Cleanup.
func LogContract(t *testing.T, open func(t *testing.T) Log) {
	for name, promise := range map[string]func(*testing.T, Log){
		"positions are dense":               positionsAreDense,
		"nothing appended":                  nothingAppended,
		"an append after another fails":     appendAfterAnotherFails,
		"an entry has its outcome":          entryHasItsOutcome,
		"the first outcome stands":          firstOutcomeStands,
		"what is no entry is not found":     noEntryNotFound,
		"a context ends no append":          contextEndsNoAppend,
		"pages are exact":                   pagesAreExact,
		"pages hold while others append":    pagesHoldUnderAppends,
		"appends side by side do not mix":   appendsDoNotMix,
		"what was appended is read at once": readAtOnce,
		"an append is passed once":          appendPassedOnce,
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) { promise(t, open(t)) })
	}
}

// Same compares the entries of two logs; an empty list and none are the same.
func Same(want, got any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

func appendTo(t testing.TB, l Log, records ...swarm.Record) uint64 {
	t.Helper()
	first, err := l.Append(context.Background(), l.Last(), records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func commands(n int, submitter string) []swarm.Record {
	out := make([]swarm.Record, n)
	for i := range out {
		out[i] = Issued(submitter, fmt.Sprint(i))
	}
	return out
}

func positionsAreDense(t *testing.T, l Log) {
	next := l.Last() + 1
	for _, n := range []int{1, 2, 7, 8, 9, 40, MostRecords} {
		first := appendTo(t, l, commands(n, "ci")...)
		if first != next || l.Last() != next+uint64(n)-1 {
			t.Fatalf("%d records begin at %d and end at %d, want to begin at %d", n, first, l.Last(), next)
		}
		for _, i := range []int{0, n / 2, n - 1} {
			e, err := l.Entry(t.Context(), first+uint64(i))
			if err != nil || e.Issued.Targets[0] != fmt.Sprint(i) {
				t.Errorf("number %d of %d: %+v %v", i, n, e.Issued, err)
			}
		}
		next += uint64(n)
	}
}

func nothingAppended(t *testing.T, l Log) {
	last := l.Last()
	if first := appendTo(t, l); first != last+1 || l.Last() != last {
		t.Errorf("nothing was appended at %d, and the log ends at %d after %d", first, l.Last(), last)
	}
}

// appendAfterAnotherFails: a decision that another append has overtaken is not written.
func appendAfterAnotherFails(t *testing.T, l Log) {
	before := l.Last()
	appendTo(t, l, Issued("ci", "a"))
	for _, after := range []uint64{before, l.Last() + 1} {
		if _, err := l.Append(t.Context(), after, commands(2, "late")); !errors.Is(err, swarm.ErrConflict) {
			t.Errorf("append after %d to a log that ends at %d: %v", after, l.Last(), err)
		}
	}
	if l.Last() != before+1 {
		t.Errorf("the log ends at %d, want %d", l.Last(), before+1)
	}
}

func entryHasItsOutcome(t *testing.T, l Log) {
	seq := appendTo(t, l, Issued("ci", "a", "b", "c", "d"))
	want := swarm.Entry{Seq: seq, Issued: Issued("ci", "a", "b", "c", "d")}
	check := func(when string) {
		t.Helper()
		got, err := l.Entry(t.Context(), seq)
		if diff := Same(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", when, err, diff)
		}
	}
	check("open")
	want.Closed = Closed(seq, swarm.Verdict{Kind: swarm.Acked, Latency: 3000},
		swarm.Verdict{Kind: swarm.Rejected, Latency: 1000, Code: "busy", Detail: "at most 5"},
		swarm.Verdict{Kind: swarm.Superseded}, swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonWriteTimeout})
	appendTo(t, l, want.Closed)
	check("closed")
	for range 3 {
		late := Late(seq, "d")
		appendTo(t, l, &swarm.Reset{Node: "test", At: Noon, Cause: "between"}, late)
		want.Late = append(want.Late, late.Acks...)
	}
	check("late")
}

func firstOutcomeStands(t *testing.T, l Log) {
	seq := appendTo(t, l, Issued("ci", "a"))
	appendTo(t, l, Closed(seq, swarm.Verdict{Kind: swarm.Acked}), Closed(seq, swarm.Verdict{
		Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
	}))
	if e, err := l.Entry(t.Context(), seq); err != nil || e.Status() != swarm.Complete {
		t.Errorf("the entry is %s, %v", e.Status(), err)
	}
}

func noEntryNotFound(t *testing.T, l Log) {
	// one entry, and records that are none
	seq := appendTo(t, l, Issued("ci", "a"), &swarm.Reset{Node: "test", At: Noon, Cause: "quiet"})
	appendTo(t, l, Closed(seq, swarm.Verdict{Kind: swarm.Acked}), Late(seq, "a"),
		Closed(seq+50, swarm.Verdict{Kind: swarm.Acked}), Late(seq+50, "a"))
	for pos := range l.Last() + 3 {
		if _, err := l.Entry(t.Context(), pos); (err == nil) != (pos == seq) ||
			(err != nil && swarm.CodeOf(err) != swarm.CodeNotFound) {
			t.Errorf("position %d: %v", pos, err)
		}
	}
}

func contextEndsNoAppend(t *testing.T, l Log) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Append(ctx, l.Last(), commands(3, "ci")); err != nil {
		t.Errorf("an append hangs on who asked for it: %v", err)
	}
}

func pagesAreExact(t *testing.T, l Log) {
	var model MemLog
	for l.Last() > model.Last() { // the same positions
		appendTo(t, &model, &swarm.Reset{Node: "test", At: Noon})
	}
	both := func(r swarm.Record) uint64 { appendTo(t, &model, r); return appendTo(t, l, r) }
	for i := range 45 {
		r := Issued([]string{"ci", "ui", "cron"}[i%3], "a")
		if i%2 == 1 {
			r = Stop(r.Submitter, "a")
		}
		seq := both(r)
		if i%4 != 0 {
			both(Closed(seq, swarm.Verdict{Kind: []swarm.VerdictKind{swarm.Acked, swarm.Superseded}[i/2%2]}))
		}
	}
	for _, submitter := range []string{"", "ci", "nobody"} {
		for _, typ := range []command.Type{"", command.Stop} {
			for _, status := range []swarm.Status{"", swarm.Pending, swarm.Complete} {
				for _, at := range []uint64{0, 1, 20, 51, 200} {
					for i, limit := range []int{1, 7, 60} {
						q := swarm.Query{
							Submitter: submitter, Type: typ, Status: status, Before: at, Limit: limit,
							Ascending: i%2 == 0,
						}
						SamePage(t, &model, l, q)
						q.Before, q.After = 0, at
						SamePage(t, &model, l, q)
					}
				}
			}
		}
	}
}

// SamePage fails unless both logs return the same page for q.
func SamePage(t interface {
	Helper()
	Errorf(string, ...any)
}, model, l Log, q swarm.Query) {
	t.Helper()
	want, err := model.Page(context.Background(), q)
	got, err2 := l.Page(context.Background(), q)
	if diff := Same(want, got); err != nil || err2 != nil || diff != "" {
		t.Errorf("%+v: %v %v (-want +got):\n%s", q, err, err2, diff)
	}
}

// pagesHoldUnderAppends pages through the log while others append: every earlier entry appears once, in order.
func pagesHoldUnderAppends(t *testing.T, l Log) {
	first := appendTo(t, l, commands(100, "ci")...)
	done := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				_, _ = l.Append(context.Background(), l.Last(), commands(2, "ci"))
			}
		}
	})
	var met []uint64
	for q := (swarm.Query{Submitter: "ci", Limit: 7, Before: first + 100}); ; {
		p, err := l.Page(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range p.Entries {
			met = append(met, e.Seq)
			q.Before = e.Seq
		}
		if !p.More {
			break
		}
	}
	close(done)
	writer.Wait()
	slices.Reverse(met)
	if len(met) != 100 || met[0] != first || !slices.IsSorted(met) || met[99] != first+99 {
		t.Errorf("met %v, want %d to %d", met, first, first+99)
	}
}

func appendsDoNotMix(t *testing.T, l Log) {
	const writers, each = 8, 10
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			for i := range each {
				n := 1 + (w+i)%9
				name := fmt.Sprintf("w%d-%d", w, i)
				first, err := l.Append(context.Background(), l.Last(), commands(n, name))
				for errors.Is(err, swarm.ErrConflict) {
					first, err = l.Append(context.Background(), l.Last(), commands(n, name))
				}
				if err != nil {
					t.Error(err)
					return
				}
				for k := range uint64(n) {
					e, err := l.Entry(context.Background(), first+k)
					if err != nil || e.Issued.Submitter != name || e.Issued.Targets[0] != fmt.Sprint(k) {
						t.Errorf("%s at %d: %+v %v", name, first+k, e.Issued, err)
					}
				}
			}
		})
	}
	all.Wait()
}

func readAtOnce(t *testing.T, l Log) {
	for range 20 {
		seq := appendTo(t, l, Issued("ci", "a"))
		p, err := l.Page(t.Context(), swarm.Query{Limit: 1})
		open, err2 := l.Unclosed(t.Context())
		if err != nil || err2 != nil || len(p.Entries) != 1 || p.Entries[0].Seq != seq || len(open) != 1 ||
			open[0].Seq != seq {
			t.Fatalf("%d was appended: page %+v %v, unclosed %+v %v", seq, p, err, open, err2)
		}
		appendTo(t, l, Closed(seq, swarm.Verdict{Kind: swarm.Acked}))
	}
}

// appendPassedOnce: when Append returns, the function of Notify has received the records, once and as own; Last
// follows.
func appendPassedOnce(t *testing.T, l Log) {
	var got []swarm.Appended
	l.Notify(func(a swarm.Appended) {
		if last := l.Last(); last != a.First-1 {
			t.Errorf("while an append at %d is passed, the log is at %d", a.First, last)
		}
		got = append(got, a)
	})
	for i, n := range []int{1, 3, 0, 20} {
		records := commands(n, "ci")
		first := appendTo(t, l, records...)
		if n == 0 {
			continue
		}
		want := swarm.Appended{First: first, Records: records, Own: true}
		if len(got) == 0 || Same(want, got[len(got)-1]) != "" || l.Last() != want.Last() {
			t.Fatalf("append %d: passed %+v, want %+v; the log is at %d", i, got, want, l.Last())
		}
		if _, err := l.Append(t.Context(), first-1, records); !errors.Is(err, swarm.ErrConflict) {
			t.Errorf("an append after an older position: %v", err)
		}
	}
	if len(got) != 3 {
		t.Errorf("%d appends were passed, want 3", len(got))
	}
}
