package wire_test

import (
	"math"
	"testing"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestScanApplied(t *testing.T) {
	for _, seq := range []uint64{1, 9, 10, 4242, math.MaxInt64, 9_999_999_999_999_999_999} {
		if got, ok := wire.ScanApplied(wire.AppendApplied(nil, seq)); !ok || got != seq {
			t.Errorf("ScanApplied of seq %d = %d, %v", seq, got, ok)
		}
	}
	for name, in := range map[string]string{
		"other order":    `{"seq":7,"type":"command_ack","status":"applied"}`,
		"space":          `{"type":"command_ack", "seq":7,"status":"applied"}`,
		"rejected":       `{"type":"command_ack","seq":7,"status":"rejected"}`,
		"more fields":    `{"type":"command_ack","seq":7,"status":"applied","code":"x"}`,
		"no digits":      `{"type":"command_ack","seq":,"status":"applied"}`,
		"leading zero":   `{"type":"command_ack","seq":07,"status":"applied"}`,
		"zero":           `{"type":"command_ack","seq":0,"status":"applied"}`,
		"negative":       `{"type":"command_ack","seq":-7,"status":"applied"}`,
		"20 digits":      `{"type":"command_ack","seq":18446744073709551615,"status":"applied"}`,
		"trailing":       `{"type":"command_ack","seq":7,"status":"applied"} `,
		"heads overlap":  `{"type":"command_ack","seq":"applied"}`,
		"seq is a float": `{"type":"command_ack","seq":7.0,"status":"applied"}`,
	} {
		if seq, ok := wire.ScanApplied([]byte(in)); ok {
			t.Errorf("%s: ScanApplied(%s) = %d, true; want it left to the decoder", name, in, seq)
		}
	}
}

// FuzzScanApplied compares ScanApplied with the decoder: what it accepts, the decoder reads as the same ack.
func FuzzScanApplied(f *testing.F) {
	f.Add([]byte(`{"type":"command_ack","seq":7,"status":"applied"}`))
	f.Add([]byte(`{"type":"command_ack","seq":9999999999999999999,"status":"applied"}`))
	f.Add([]byte(`{"type":"command_ack","seq":07,"status":"applied"}`))
	f.Add([]byte(`{"type":"command_ack","seq":1,"status":"applied"},"status":"applied"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		seq, ok := wire.ScanApplied(b)
		if !ok {
			return
		}
		if kind, err := wire.TypeOf(b); err != nil || kind != wire.TypeCommandAck {
			t.Fatalf("ScanApplied took %q, TypeOf says %q, %v", b, kind, err)
		}
		var ack wire.CommandAck
		if err := wire.Decode(b, &ack); err != nil {
			t.Fatalf("ScanApplied took %q, Decode says %v", b, err)
		}
		if want := (wire.CommandAck{Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusApplied}); ack != want {
			t.Fatalf("ScanApplied read %q as seq %d, Decode as %+v", b, seq, ack)
		}
	})
}
