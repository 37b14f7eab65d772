package logfile

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// briefOf cuts an entry as Totals requires: the expected result of DecodeBrief.
func briefOf(e swarm.Entry, most int) swarm.Entry {
	issued := *e.Issued
	out := swarm.Entry{
		Seq: e.Seq, Issued: &issued,
		Totals: &swarm.Totals{Counts: e.Counts(), LeftOut: len(e.Issued.LeftOut), Shortfall: e.Issued.Shortfall()},
	}
	issued.LeftOut = issued.LeftOut[:min(most, len(issued.LeftOut))]
	issued.Targets, issued.Split = nil, nil
	if e.Closed != nil {
		closed := *e.Closed
		closed.Verdicts = nil
		out.Closed = &closed
	}
	met := map[swarm.VerdictKind]int{}
	for i, id := range e.Issued.Targets {
		shown := e.Issued.Command.Total && i < most
		if e.Closed != nil {
			kind := e.Closed.Verdicts[i].Kind
			met[kind]++
			shown = shown || kind != swarm.Acked && met[kind] <= most
		}
		if !shown {
			continue
		}
		issued.Targets = append(issued.Targets, id)
		if e.Issued.Command.Total {
			issued.Split = append(issued.Split, e.Issued.Split[i])
		}
		if e.Closed != nil {
			v := e.Closed.Verdicts[i]
			if v.Kind == swarm.Acked {
				v.Latency = 0 // not shown
			}
			out.Closed.Verdicts = append(out.Closed.Verdicts, v)
		}
	}
	return out
}

// tricky are texts that look like the marks at which a body is cut.
var tricky = []string{
	"", "warm up", `,"targets":["x"],"deadline_ms":1`, `\`, `"],"deadline_ms":`, `],"latency_us":[`, "é\u2028",
}

func drawEntry(t *rapid.T) swarm.Entry {
	text := rapid.SampledFrom(tricky)
	issued := &swarm.Issued{
		Node: "node", Submitter: "ci",
		Command:  swarm.Command{Type: command.SetPlayers, Value: 40, Note: text.Draw(t, "note")},
		Target:   swarm.Target{Labels: map[string]string{"targets": text.Draw(t, "label")}},
		Deadline: time.Second, SubmittedAt: time.UnixMicro(1).UTC(),
		Cause: text.Draw(t, "cause"), Key: text.Draw(t, "key"),
	}
	n := rapid.IntRange(0, 30).Draw(t, "targets")
	if n > 0 && rapid.Bool().Draw(t, "total") {
		issued.Command.Total = true
		issued.Split = rapid.SliceOfN(rapid.Int64Range(0, 9), n, n).Draw(t, "split")
	}
	for i := range n {
		issued.Targets = append(issued.Targets, fmt.Sprintf("driver-%d", i))
	}
	for i := range rapid.IntRange(0, 9).Draw(t, "left out") {
		left := swarm.LeftOut{DriverID: fmt.Sprintf("left-%d", i), Reason: swarm.LeftOutStale}
		issued.LeftOut = append(issued.LeftOut, left)
	}
	e := swarm.Entry{Seq: 7, Issued: issued}
	if rapid.Bool().Draw(t, "open") {
		return e
	}
	verdicts := rapid.SampledFrom([]swarm.Verdict{
		{Kind: swarm.Acked, Latency: 3 * time.Millisecond}, {Kind: swarm.Superseded},
		{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}, {Kind: swarm.Missing, Reason: swarm.ReasonWriteTimeout},
		{Kind: swarm.Rejected, Latency: time.Millisecond, Code: "busy", Detail: tricky[2]},
	})
	e.Closed = &swarm.Closed{Seq: 7, Node: "node", ClosedAt: time.UnixMicro(2).UTC(), Duration: time.Millisecond}
	for range n {
		e.Closed.Verdicts = append(e.Closed.Verdicts, verdicts.Draw(t, "verdict"))
	}
	return e
}

// TestABriefEntryIsTheWholeOneCut: DecodeBrief returns the complete entry with cut lists, whatever texts it contains.
func TestABriefEntryIsTheWholeOneCut(t *testing.T) {
	codec, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	rapid.Check(t, func(t *rapid.T) {
		e, most := drawEntry(t), rapid.IntRange(1, 12).Draw(t, "most")
		issued, _, err := codec.Encode(e.Issued, Sum{})
		if err != nil {
			t.Fatal(err)
		}
		var closed []byte
		if e.Closed != nil {
			if closed, _, err = codec.Encode(e.Closed, Sum{}); err != nil {
				t.Fatal(err)
			}
		}
		got, ok := codec.DecodeBrief(7, issued, 8, closed, most)
		if diff := cmp.Diff(briefOf(e, most), got, cmpopts.EquateEmpty(), ignoreAckLatency()); !ok || diff != "" {
			t.Fatalf("%v (-want +got):\n%s", ok, diff)
		}
		if got.Status() != e.Status() || got.Counts() != e.Counts() || got.Shortfall() != e.Shortfall() ||
			got.LeftOut() != e.LeftOut() {
			t.Fatalf("it says %s %+v, the whole one %s %+v", got.Status(), got.Counts(), e.Status(), e.Counts())
		}
	})
}

// ignoreAckLatency ignores the latency of acks: pages do not show it, so it may be present or not.
func ignoreAckLatency() cmp.Option {
	return cmp.FilterPath(func(p cmp.Path) bool {
		return p.Last().String() == ".Latency" && acked(p.Index(-2))
	}, cmp.Ignore())
}

func acked(step cmp.PathStep) bool {
	x, _ := step.Values()
	v, ok := x.Interface().(swarm.Verdict)
	return ok && v.Kind == swarm.Acked
}

// TestAnInvalidEntryIsNotCut: the complete decoder must report what is wrong.
func TestAnInvalidEntryIsNotCut(t *testing.T) {
	codec, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer codec.Close()
	encode := func(r swarm.Record) []byte {
		b, _, err := codec.Encode(r, Sum{})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	stop := swarm.Command{Type: command.Stop}
	issued := encode(&swarm.Issued{Node: "n", Submitter: "ci", Command: stop, Targets: []string{"a", "b"}})
	odd := encode(&swarm.Issued{Node: "n", Submitter: "ci", Command: stop, Targets: []string{`a","b`}})
	closed := encode(&swarm.Closed{Seq: 1, Node: "n", Verdicts: []swarm.Verdict{{Kind: swarm.Superseded}}})
	flipped := append([]byte{}, issued...)
	flipped[len(flipped)-1] ^= 1
	for name, tc := range map[string]struct{ issued, closed []byte }{
		"another number of verdicts": {issued, closed}, "a flipped bit": {flipped, nil}, "nothing": {nil, nil},
		"an outcome for a command": {closed, nil}, "a command for an outcome": {issued, issued}, "escapes": {odd, nil},
	} {
		if e, ok := codec.DecodeBrief(1, tc.issued, 2, tc.closed, 100); ok {
			t.Errorf("%s: %+v", name, e)
		}
	}
}
