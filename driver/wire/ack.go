package wire

import (
	"bytes"
	"strconv"
)

var (
	appliedHead = []byte(`{"type":"command_ack","seq":`)
	appliedTail = []byte(`,"status":"applied"}`)
)

// AppendApplied appends an applied command_ack, in the only form that ScanApplied recognizes.
func AppendApplied(b []byte, seq uint64) []byte {
	b = append(b, appliedHead...)
	b = strconv.AppendUint(b, seq, 10)
	return append(b, appliedTail...)
}

// ScanApplied reads the most common message without a JSON decoder. For any other encoding of the same frame ok is
// false, and the caller has to decode it: the order of keys is not guaranteed.
func ScanApplied(b []byte) (seq uint64, ok bool) {
	rest, ok := bytes.CutPrefix(b, appliedHead)
	if !ok {
		return 0, false
	}
	digits, ok := bytes.CutSuffix(rest, appliedTail)
	if !ok || len(digits) == 0 || len(digits) > 19 || digits[0] == '0' {
		return 0, false
	}
	for _, c := range digits {
		if c < '0' || c > '9' {
			return 0, false
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq, true
}
