package process_test

import (
	"bytes"
	"slices"
	"strings"
)

// abuse is something that a registered driver sends.
type abuse struct {
	name string // begins with the number of Autobahn's section
	send []byte
	code int // that the server closes with; 0: the session continues
}

const mostBytes = 32 << 10 // of a message

// beatOf returns a heartbeat of size bytes.
func beatOf(size int) string {
	const head, tail = `{"type":"heartbeat","x":"`, `"}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

// parts returns a message in fragments of size bytes.
func parts(op byte, message string, size int) (out []byte) {
	for at := 0; at < len(message); at += size {
		end := min(at+size, len(message))
		head := byte(opMore)
		if at == 0 {
			head = op
		}
		if end == len(message) {
			head |= fin
		}
		out = append(out, fragment(head, message[at:end])...)
	}
	return out
}

// abuses returns the table: each abuse with the close code that RFC 6455 and the contract require.
func abuses() []abuse {
	ok := `{"type":"heartbeat"}`
	ping := whole(opPing, "between")
	all := []abuse{
		{"1 text without anything in it", whole(opText, ""), 1007},
		{"1 binary message", whole(opBinary, ok), 1003},
		{"1 unmasked frame", append(header(fin|opText, uint64(len(ok)), false), ok...), 1002},
		{"2 ping of 125 bytes", whole(opPing, strings.Repeat("p", 125)), 0},
		{"2 ping of 126 bytes", whole(opPing, strings.Repeat("p", 126)), 1002},
		{"2 close of 126 bytes", whole(opClose, "\x03\xe8"+strings.Repeat("p", 124)), 1002},
		{"2 pong that nobody asked for", whole(opPong, "hello"), 0},
		{"2 flood of 5,000 pings", bytes.Repeat(whole(opPing, "flood"), 5000), 0},
		{"3 RSV1, a compressed message", fragment(fin|rsv1|opText, ok), 1002},
		{"3 RSV2", fragment(fin|rsv2|opText, ok), 1002},
		{"3 RSV3", fragment(fin|rsv3|opText, ok), 1002},
		{"3 RSV1 on a ping", fragment(fin|rsv1|opPing, "p"), 1002},
		{"5 ping in fragments", parts(opPing, "pingping", 4), 1002},
		{"5 message in fragments of 1 byte", parts(opText, ok, 1), 0},
		{"5 ping between fragments", slices.Concat(fragment(opText, ok[:5]), ping, fragment(fin|opMore, ok[5:])), 0},
		{"5 continuation of nothing", fragment(fin|opMore, ok), 1002},
		{"5 message within a message", slices.Concat(fragment(opText, ok[:5]), whole(opText, ok)), 1002},
		{"5 message in 1,000,000 fragments of 1 byte",
			append(fragment(opText, "{"), bytes.Repeat(fragment(opMore, "x"), 1_000_000)...), 1009},
		{"6 invalid UTF-8", whole(opText, "{\"type\":\"heartbeat\",\"x\":\"\xff\"}"), 1007},
		{"6 invalid UTF-8 over fragments", parts(opText, "{\"type\":\"heartbeat\",\"x\":\"\xe2\x82\"}", 3), 1007},
		{"6 surrogate in UTF-8", whole(opText, "{\"type\":\"heartbeat\",\"x\":\"\xed\xa0\x80\"}"), 1007},
		{"6 overlong UTF-8", whole(opText, "{\"type\":\"heartbeat\",\"x\":\"\xc0\xaf\"}"), 1007},
		{"6 valid UTF-8 cut between fragments", parts(opText, "{\"type\":\"heartbeat\",\"x\":\"\u20ac\U0001F41D\"}", 1),
			0},
		{"7 close without a code", whole(opClose, ""), 1005},
		{"7 close of 1 byte", whole(opClose, "\x03"), 1002},
		{"7 close with 1005", whole(opClose, "\x03\xed"), 1002},
		{"7 close with 999", whole(opClose, "\x03\xe7"), 1002},
		{"7 close with 4999", whole(opClose, "\x13\x87"), 4999},
		{"9 message of 32 KiB", whole(opText, beatOf(mostBytes)), 0},
		{"9 message of 32 KiB and 1 byte", whole(opText, beatOf(mostBytes+1)), 1009},
		{"9 length of 2^40", append(header(fin|opText, 1<<40, true), beatOf(2*mostBytes)...), 1009},
		{"9 length of 2^63-1", append(header(fin|opText, 1<<63-1, true), beatOf(2*mostBytes)...), 1009},
		{"9 length of 2^63", append(header(fin|opText, 1<<63, true), beatOf(mostBytes)...), 1002},
		{"10 message of 32 KiB in fragments", parts(opText, beatOf(mostBytes), 1000), 0},
		{"10 message of 32 KiB and 1 byte in fragments", parts(opText, beatOf(mostBytes+1), 1000), 1009},
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 11, 12, 13, 14, 15} {
		all = append(all, abuse{"4 opcode " + string("0123456789abcdef"[op]), whole(op, ok), 1002})
	}
	return all
}
