package logfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestUnknownContentIsNewer: a record whose hash is right but whose content is unknown was written by a newer program.
// It is not damaged, and accepting a loss does not help.
func TestUnknownContentIsNewer(t *testing.T) {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	issued, _, err := c.Encode(swarmtest.Issued("ci", "a"), Sum{})
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		kind kind
		body string
	}{
		"a kind of record": {kindExpired + 1, `{}`},
		"kind 0":           {0, `{}`},
		"a command type": {kindIssued,
			strings.Replace(string(issued[headerBytes:]), "set_players", "set_altitude", 1)},
		"a member": {kindReset, `{"node":"a","at_us":0,"cause":"","run_id":"r-1"}`},
		"a member of a list": {kindLate,
			`{"seq":1,"node":"a","at_us":0,"acks":[{"driver_id":"d","latency_us":1,"node":"b"}]}`},
		"a verdict": {kindClosed, `{"seq":1,"node":"a","closed_us":0,"duration_us":0,"kinds":"x"}`},
		"a missing reason": {kindClosed,
			`{"seq":1,"node":"a","closed_us":0,"duration_us":0,"kinds":"m","reasons":[99]}`},
		"a left-out reason": {kindIssued, `{"node":"a","submitter":"s","type":"stop","targets":[],"deadline_ms":1,"submitted_us":0,"left_out":[{"driver_id":"d","reason":"restricted"}]}`},
	} {
		b := append(make([]byte, headerBytes), tc.body...)
		copy(b, "SC")
		b[2], b[3] = FormatVersion, byte(tc.kind)
		own := hash(b)
		copy(b[sumAt:], own[:])
		_, _, _, err := c.Decode(3, b)
		damaged, ok := errors.AsType[*DamagedError](err)
		if !ok || !damaged.Newer || !strings.Contains(err.Error(), "newer version of Swarmcall") ||
			strings.Contains(err.Error(), "damaged") {
			t.Errorf("%s that is unknown: %v", name, err)
		}
		b[headerBytes] ^= 1
		if _, _, _, err := c.Decode(3, b); !errors.As(err, &damaged) || damaged.Newer {
			t.Errorf("%s, and a flipped bit: %v, want damage", name, err)
		}
	}
}
