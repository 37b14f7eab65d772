package logfile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

var update = flag.Bool("update", false, "write the golden records again; only for a new format version")

func goldenRecords() map[string]swarm.Record {
	stop := swarmtest.Issued("ci/nightly@host", "d-1", "d-2")
	stop.Command = swarm.Command{Type: command.Stop}
	stop.Target = swarm.Target{DriverIDs: []string{"d-2", "d-1"}}
	stop.Key, stop.RequestHash = "key-1", []byte{1, 2, 3}
	total := swarmtest.Issued("ci", "d-1", "d-2", "d-3")
	total.Command = swarm.Command{Type: command.SetPlayers, Value: 1000, Total: true}
	total.Split, total.Cause = []int64{334, 333, 0}, "split anew: lost d-4"
	many := make([]swarm.Verdict, 600)
	for i := range many {
		many[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i) * time.Microsecond}
	}
	return map[string]swarm.Record{
		"issued_set_players": swarmtest.Issued("ci", "d-1"),
		"issued_stop":        stop,
		"issued_total":       total,
		"closed": swarmtest.Closed(2, swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond},
			swarm.Verdict{Kind: swarm.Superseded},
			swarm.Verdict{Kind: swarm.Rejected, Latency: time.Millisecond, Code: "busy", Detail: "later"},
			swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonNodeLost}),
		"closed_compressed": swarmtest.Closed(2, many...),
		"late": &swarm.Late{Seq: 2, Node: "test", At: swarmtest.Noon, Acks: []swarm.LateAck{
			{DriverID: "d-1", Reply: swarm.Reply{Applied: true}, Latency: 2400 * time.Millisecond},
			{DriverID: "d-2", Reply: swarm.Reply{Code: "busy"}, Latency: 2500 * time.Millisecond},
		}},
		"reset": &swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "new log", LogID: "0011223344556677", Epoch: 1},
	}
}

// goldenRecords2 are those that version 1 cannot hold.
func goldenRecords2() map[string]swarm.Record {
	conditional := swarmtest.Issued("ci", "d-1")
	conditional.Condition = &swarm.Condition{IfSeq: 7, Base: 7}
	chained := swarmtest.Issued("ci", "d-1")
	chained.Condition = &swarm.Condition{IfSeq: 7}
	leftOut := swarmtest.Issued("ci", "d-1")
	leftOut.LeftOut = []swarm.LeftOut{{DriverID: "d-2", Reason: swarm.LeftOutStale},
		{DriverID: "d-3", Reason: swarm.LeftOutOtherRun}}
	via := swarmtest.Issued("ci", "d-1")
	via.Via = &swarm.Via{Credential: "token:01234567", RemoteAddr: "192.0.2.1:5", RequestID: "r-1"}
	return map[string]swarm.Record{
		"issued_via":         via,
		"issued_conditional": conditional, "issued_chained": chained, "issued_left_out": leftOut,
		"expired": &swarm.Expired{
			Node: "test", At: swarmtest.Noon, Replaced: 5,
			Target: swarm.Target{DriverIDs: []string{"d-1"}, Labels: map[string]string{"a": "b"}}, Cause: "nobody",
		},
	}
}

// TestGoldenRecords opens what each format version wrote: logs outlive servers. A record that version 1 can hold is
// written as version 1.
func TestGoldenRecords(t *testing.T) {
	for version, records := range map[byte]map[string]swarm.Record{1: goldenRecords(), 2: goldenRecords2()} {
		testGolden(t, version, records)
	}
}

func testGolden(t *testing.T, version byte, records map[string]swarm.Record) {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, want := range records {
		path := filepath.Join("testdata", fmt.Sprintf("%s.v%d", name, version))
		if *update {
			b, _, err := c.Encode(want, Sum{9})
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, prev, _, err := c.Decode(1, b)
		if err != nil || prev != (Sum{9}) {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if again, _, err := c.Encode(want, Sum{9}); err != nil || again[2] != version || b[2] != version {
			t.Errorf("%s is written with version %d, stored with %d, want %d: %v", name, again[2], b[2], version, err)
		}
	}
}

// FuzzDecode: hostile bytes must not cause a panic or an allocation without bound.
func FuzzDecode(f *testing.F) {
	c, err := NewCodec()
	if err != nil {
		f.Fatal(err)
	}
	for _, r := range goldenRecords() {
		b, _, err := c.Encode(r, Sum{})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b[headerBytes:], b[3], b[4])
	}
	f.Fuzz(func(_ *testing.T, body []byte, k, flags byte) {
		b := append(make([]byte, headerBytes), body...)
		copy(b, "SC")
		b[2], b[3], b[4] = FormatVersion, k, flags
		own := hash(b) // a matching hash, so that the body is decoded
		copy(b[sumAt:], own[:])
		_, _, _, _ = c.Decode(1, b)
	})
}
