package wire

import (
	"bytes"
	"strconv"
)

var (
	appliedHead = []byte(`{"type":"command_ack","seq":`)
	appliedTail = []byte(`,"status":"applied"}`)
)

// AppendApplied appends the message of an applied command_ack, in the one form that ScanApplied knows.
func AppendApplied(b []byte, seq uint64) []byte {
	b = append(b, appliedHead...)
	b = strconv.AppendUint(b, seq, 10)
	return append(b, appliedTail...)
}

// ScanApplied reads the commonest message without a JSON decoder. Any other spelling of the same frame is not ok and
// goes the long way: key order is never promised.
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
