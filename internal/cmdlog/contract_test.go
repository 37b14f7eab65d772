package cmdlog

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestLogContract(t *testing.T) {
	swarmtest.LogContract(t, func(t *testing.T) swarmtest.Log {
		l := open(t, t.TempDir())
		t.Cleanup(func() { shut(t, l) })
		return l
	})
}

// machine runs the same steps, including restarts and torn writes, on a log and a model of it.
type machine struct {
	dir   string
	log   *Log
	model swarmtest.MemLog
}

func (m *machine) add(t *rapid.T, records ...swarm.Record) {
	want, _ := m.model.Append(context.Background(), m.model.Last(), records)
	got, err := m.log.Append(context.Background(), m.log.Last(), records)
	if err != nil || got != want {
		t.Fatalf("appended at %d, want %d: %v", got, want, err)
	}
}

func (m *machine) issue(t *rapid.T) *swarm.Issued {
	r := swarmtest.Issued(rapid.SampledFrom([]string{"ci", "ui", "cron"}).Draw(t, "submitter"), "a", "b")
	r.Node = rapid.SampledFrom([]string{"test", "other"}).Draw(t, "node")
	r.Command = swarm.Command{Type: rapid.SampledFrom(command.Types()).Draw(t, "type")}
	return r
}

// seq returns a seq that may or may not belong to an entry.
func (m *machine) seq(t *rapid.T) uint64 {
	return rapid.Uint64Range(0, m.model.Last()+1).Draw(t, "seq")
}

func (m *machine) Issue(t *rapid.T) { m.add(t, m.issue(t)) }

func (m *machine) IssueMany(t *rapid.T) {
	var records []swarm.Record
	for range rapid.IntRange(2, 20).Draw(t, "n") {
		records = append(records, m.issue(t))
	}
	m.add(t, records...)
}

func (m *machine) Close(t *rapid.T) {
	verdict := rapid.SampledFrom([]swarm.Verdict{
		{Kind: swarm.Acked, Latency: 1000}, {Kind: swarm.Superseded},
		{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}, {Kind: swarm.Rejected, Code: "busy"},
	})
	m.add(t, swarmtest.Closed(m.seq(t), verdict.Draw(t, "a"), verdict.Draw(t, "b")))
}

func (m *machine) Late(t *rapid.T) { m.add(t, swarmtest.Late(m.seq(t), "a")) }

func (m *machine) Reset(t *rapid.T) {
	m.add(t, &swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "quiet"})
}

func (m *machine) Restart(t *rapid.T) {
	if err := m.log.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if torn := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "torn"); len(torn) > 0 {
		m.tear(t, torn)
	}
	m.open(t)
}

func (m *machine) tear(t *rapid.T, torn []byte) {
	f, err := os.OpenFile(filepath.Join(m.dir, "jetstream/jetstream/$G/streams/SWARMCALL/msgs/1.blk"),
		os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(torn); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (m *machine) open(t *rapid.T) {
	replayed := uint64(0)
	var err error
	m.log, err = Open(context.Background(), Config{
		Dir: m.dir, Node: "test", Sync: SyncInterval, Replay: func(uint64, swarm.Record) { replayed++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if m.model.Last() != replayed {
		t.Fatalf("%d records were replayed, want %d", replayed, m.model.Last())
	}
}

func (m *machine) Page(t *rapid.T) {
	swarmtest.SamePage(t, &m.model, m.log, swarm.Query{
		Submitter: rapid.SampledFrom([]string{"", "ci", "ui", "nobody"}).Draw(t, "submitter"),
		Type:      rapid.SampledFrom([]command.Type{"", command.SetPlayers, command.Stop}).Draw(t, "type"),
		Status:    rapid.SampledFrom(append(swarm.Statuses(), "")).Draw(t, "status"),
		Before:    rapid.Uint64Range(0, 120).Draw(t, "before"), After: rapid.Uint64Range(0, 120).Draw(t, "after"),
		Ascending: rapid.Bool().Draw(t, "ascending"), Limit: rapid.IntRange(1, 70).Draw(t, "limit"),
	})
}

// Events checks the records that a filter selects.
func (m *machine) Events(t *rapid.T) {
	q := swarm.EventQuery{
		Submitter: rapid.SampledFrom([]string{"ci", "ui", "nobody"}).Draw(t, "submitter"),
		Common:    rapid.Bool().Draw(t, "common"),
		After:     rapid.Uint64Range(1, 120).Draw(t, "after"), UpTo: rapid.Uint64Range(0, 120).Draw(t, "up to"),
		Limit: rapid.IntRange(1, 70).Draw(t, "limit"),
	}
	var want []*swarm.Event
	for i, r := range m.model.Records() {
		e := &swarm.Event{Stored: swarm.Stored{Position: uint64(i) + 1, Record: r}}
		if entry, err := m.model.Entry(context.Background(), e.Seq()); err == nil && e.Seq() <= e.Position {
			e.Issued = entry.Issued
		}
		fits := e.Issued == nil && q.Common || e.Issued != nil && e.Issued.Submitter == q.Submitter
		if fits && e.Position > q.After && e.Position <= q.UpTo && len(want) < q.Limit {
			want = append(want, e)
		}
	}
	got, err := m.log.Events(context.Background(), q)
	diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(swarm.Event{}))
	if err != nil || diff != "" {
		t.Fatalf("%+v: %v (-want +got):\n%s", q, err, diff)
	}
}

func (m *machine) Entry(t *rapid.T) {
	seq := m.seq(t)
	want, err := m.model.Entry(context.Background(), seq)
	got, err2 := m.log.Entry(context.Background(), seq)
	if diff := swarmtest.Same(want, got); diff != "" || swarm.CodeOf(err) != swarm.CodeOf(err2) {
		t.Fatalf("entry %d: %v, want %v (-want +got):\n%s", seq, err2, err, diff)
	}
}

// Check runs after every step.
func (m *machine) Check(t *rapid.T) {
	if m.log.Last() != m.model.Last() {
		t.Fatalf("the log ends at %d, want %d", m.log.Last(), m.model.Last())
	}
	want, _ := m.model.Unclosed(context.Background())
	got, err := m.log.Unclosed(context.Background())
	if diff := swarmtest.Same(want, got); err != nil || diff != "" {
		t.Fatalf("unclosed: %v (-want +got):\n%s", err, diff)
	}
}

func TestLogMachine(t *testing.T) {
	checksOf(t, "25")
	rapid.Check(t, func(r *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			r.Fatal(err)
		}
		m := &machine{dir: dir}
		m.log, err = Open(context.Background(), Config{Dir: dir, Node: "test", Sync: SyncInterval})
		if err != nil {
			r.Fatal(err)
		}
		defer func() { _ = m.log.Close(context.Background()) }()
		_, _ = m.model.Append(context.Background(), m.model.Last(), []swarm.Record{&swarm.Reset{Cause: "new log"}})
		r.Repeat(rapid.StateMachineActions(m))
	})
}

// checksOf sets how many checks there are, unless -rapid.checks does: a check restarts the log several times.
func checksOf(t *testing.T, n string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	given := f.Value.String()
	if given != f.DefValue {
		return
	}
	if err := f.Value.Set(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(given) })
}
