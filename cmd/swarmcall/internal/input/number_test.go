package input_test

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "10": 10, "-3": -3, "9223372036854775807": 1<<63 - 1} {
		if got, err := input.ParseInt(in, 64); err != nil || got != want {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	for in, part := range map[string]string{
		"010": "without the leading zero: 10", "0x10": "such as 10", "0b1": "decimal", "1_000": "decimal",
		"": "decimal", "+5": "decimal", "1e3": "decimal",
		"-0": "decimal", "00": "decimal", "５": "decimal", "9223372036854775808": "too large",
	} {
		if got, err := input.ParseInt(in, 64); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q: %d, %v", in, got, err)
		}
	}
	if _, err := input.ParseInt("2147483648", 32); err == nil {
		t.Error("more than 32 bits hold is taken")
	}
}
