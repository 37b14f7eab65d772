package hostile

import (
	"fmt"
	"slices"
	"strings"
)

// abuse is something that a driver sends.
type abuse struct {
	number string // in the Autobahn test suite; with a + it is not from there
	what   string
	send   [][]byte
	chop   int  // bytes of each write; 0: all at once
	early  bool // it is sent before the driver registers

	pongs   []string // that the server has to answer with
	answers int      // messages that it has to answer; after those, it may close before it has answered
	code    int      // that it has to close with; 0: the session goes on
	or      int      // another code that is right as well, if not 0
}

const mostBytes = 32 << 10 // of a message

// message returns a message of size bytes, of a type that the server does not know. Each is answered.
func message(size int) string {
	const head, tail = `{"type":"probe","x":"`, `"}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

// with returns a message that contains a text.
func with(text string) string { return `{"type":"probe","x":"` + text + `"}` }

var hello = with("hello")

func text(payload string) []byte { return frame(fin|opText, payload) }
func ping(payload string) []byte { return frame(fin|opPing, payload) }
func end(payload string) []byte  { return frame(fin|opClose, payload) }

// parts returns a message in fragments of size bytes.
func parts(op byte, payload string, size int) (out [][]byte) {
	for at := 0; at < len(payload) || at == 0; at += size {
		head, to := op, min(at+size, len(payload))
		if at > 0 {
			head = opMore
		}
		if to == len(payload) {
			head |= fin
		}
		out = append(out, frame(head, payload[at:to]))
	}
	return out
}

func bytesOf(frames ...[]byte) [][]byte { return frames }

// abuses returns the table: what RFC 6455 and the contract require for each.
func abuses() []abuse {
	return slices.Concat(framing(), pings(), reserved(), opcodes(), fragments(), utf8s(), closes(), codes(), limits())
}

func framing() []abuse {
	all := []abuse{
		{number: "1.1.1", what: "empty text", send: bytesOf(text("")), code: 1007},
		{number: "1.1.6", what: "text of 65,535 bytes", send: bytesOf(text(message(65535))), code: 1009},
		{number: "1.1.7", what: "text of 65,536 bytes", send: bytesOf(text(message(65536))), code: 1009},
		{number: "1.1.8", what: "the same, 997 bytes at a time", send: bytesOf(text(message(65536))), chop: 997, code: 1009},
		{number: "1.2.1", what: "empty binary", send: bytesOf(frame(fin|opBinary, "")), code: 1003},
		{number: "1.2.2", what: "binary of 125 bytes", send: bytesOf(frame(fin|opBinary, message(125))), code: 1003},
		{number: "1.2.8", what: "binary of 65,536 bytes, 997 at a time",
			send: bytesOf(frame(fin|opBinary, message(65536))), chop: 997, code: 1003, or: 1009},
		{number: "1+1", what: "frame without a mask", send: bytesOf(append([]byte{fin | opText, byte(len(hello))}, hello...)),
			code: 1002},
		{number: "1+2", what: "the first message is no register", send: bytesOf(text(hello)), early: true, answers: 1,
			code: 4005},
		{number: "1+3", what: "ping before register, then a binary message",
			send: bytesOf(ping("early"), frame(fin|opBinary, hello)), early: true, pongs: []string{"early"}, code: 1003},
	}
	for i, size := range []int{125, 126, 127, 128} {
		all = append(all, abuse{number: fmt.Sprintf("1.1.%d", i+2), what: fmt.Sprintf("text of %d bytes", size),
			send: bytesOf(text(message(size))), answers: 1})
	}
	return all
}

func pings() []abuse {
	long := strings.Repeat("\xfe", 125)
	var ten [][]byte
	var payloads []string
	for i := range 10 {
		payloads = append(payloads, fmt.Sprintf("payload-%d", i))
		ten = append(ten, ping(payloads[i]))
	}
	return []abuse{
		{number: "2.1", what: "empty ping", send: bytesOf(ping("")), pongs: []string{""}},
		{number: "2.2", what: "ping with a text", send: bytesOf(ping("Hello, world!")), pongs: []string{"Hello, world!"}},
		{number: "2.3", what: "ping with bytes", send: bytesOf(ping("\x00\xff\xfe\xfd\xfc\xfb\x00\xff")),
			pongs: []string{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"}},
		{number: "2.4", what: "ping of 125 bytes", send: bytesOf(ping(long)), pongs: []string{long}},
		{number: "2.5", what: "ping of 126 bytes", send: bytesOf(ping(long + "\xfe")), code: 1002},
		{number: "2.6", what: "ping of 125 bytes, one at a time", send: bytesOf(ping(long)), chop: 1, pongs: []string{long}},
		{number: "2.7", what: "empty pong", send: bytesOf(frame(fin|opPong, ""))},
		{number: "2.8", what: "pong with a text", send: bytesOf(frame(fin|opPong, "unsolicited"))},
		{number: "2.9", what: "pong, then ping", send: bytesOf(frame(fin|opPong, "unsolicited"), ping("x")),
			pongs: []string{"x"}},
		{number: "2.10", what: "10 pings", send: ten, pongs: payloads},
		{number: "2.11", what: "10 pings, one byte at a time", send: ten, chop: 1, pongs: payloads},
	}
}

func reserved() []abuse {
	return []abuse{
		{number: "3.1", what: "RSV3 on a text", send: bytesOf(frame(fin|rsv3|opText, hello)), code: 1002},
		{number: "3.2", what: "RSV2 after a good text", send: bytesOf(text(hello), frame(fin|rsv2|opText, hello), ping("x")),
			answers: 1, code: 1002},
		{number: "3.4", what: "RSV1 after a good text, one byte at a time",
			send: bytesOf(text(hello), frame(fin|rsv1|opText, hello), ping("x")), chop: 1, answers: 1, code: 1002},
		{number: "3.5", what: "RSV1 and RSV3 on a binary message", send: bytesOf(frame(fin|rsv1|rsv3|opBinary, hello)),
			code: 1002},
		{number: "3.6", what: "RSV1 and RSV2 on a ping", send: bytesOf(frame(fin|rsv1|rsv2|opPing, "x")), code: 1002},
		{number: "3.7", what: "all three on a close", send: bytesOf(frame(fin|rsv1|rsv2|rsv3|opClose, "\x03\xe8")),
			code: 1002},
	}
}

func opcodes() (all []abuse) {
	for i, op := range []byte{3, 4, 5, 6, 7} {
		all = append(all, abuse{number: fmt.Sprintf("4.1.%d", i+1), what: fmt.Sprintf("opcode %d after a good text", op),
			send: bytesOf(text(hello), frame(fin|op, hello), ping("x")), answers: 1, code: 1002})
	}
	for i, op := range []byte{11, 12, 13, 14, 15} {
		all = append(all, abuse{number: fmt.Sprintf("4.2.%d", i+1), what: fmt.Sprintf("opcode %d", op),
			send: bytesOf(frame(fin|op, "")), code: 1002})
	}
	return all
}

func fragments() []abuse {
	a, b := hello[:5], hello[5:]
	first, last := frame(opText, a), frame(fin|opMore, b)
	stray := frame(opMore, "non-continuation")
	between := bytesOf(first, ping("between"), last)
	many := bytesOf(frame(opText, hello[:1]), frame(opMore, hello[1:2]), ping("pongme 1"), frame(opMore, hello[2:3]),
		frame(opMore, hello[3:4]), ping("pongme 2"), frame(fin|opMore, hello[4:]))
	return []abuse{
		{number: "5.1", what: "ping in two fragments", send: parts(opPing, "fragment", 4), code: 1002},
		{number: "5.2", what: "pong in two fragments", send: parts(opPong, "fragment", 4), code: 1002},
		{number: "5.3", what: "text in two fragments", send: bytesOf(first, last), answers: 1},
		{number: "5.5", what: "the same, one byte at a time", send: bytesOf(first, last), chop: 1, answers: 1},
		{number: "5.6", what: "ping between two fragments", send: between, answers: 1, pongs: []string{"between"}},
		{number: "5.8", what: "the same, one byte at a time", send: between, chop: 1, answers: 1, pongs: []string{"between"}},
		{number: "5.9", what: "last fragment of nothing, then a text", send: bytesOf(frame(fin|opMore, a), text(hello)),
			code: 1002},
		{number: "5.12", what: "fragment of nothing, then a text", send: bytesOf(stray, text(hello)), code: 1002},
		{number: "5.14", what: "the same, one byte at a time", send: bytesOf(stray, text(hello)), chop: 1, code: 1002},
		{number: "5.15", what: "text in two fragments, then a fragment of nothing",
			send: bytesOf(first, last, stray, text(hello)), answers: 1, code: 1002},
		{number: "5.16", what: "fragment of nothing before a text in two", send: bytesOf(stray, first, last), code: 1002},
		{number: "5.18", what: "text within a text", send: bytesOf(first, text(hello)), code: 1002},
		{number: "5.19", what: "pings between five fragments", send: many, answers: 1,
			pongs: []string{"pongme 1", "pongme 2"}},
		{number: "5.20", what: "the same, 3 bytes at a time", send: many, chop: 3, answers: 1,
			pongs: []string{"pongme 1", "pongme 2"}},
		{number: "5+1", what: "binary within a text", send: bytesOf(first, frame(fin|opBinary, hello)), code: 1002},
	}
}

func utf8s() []abuse {
	const greek = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"
	all := []abuse{
		{number: "6.1.2", what: "three empty fragments",
			send: bytesOf(frame(opText, ""), frame(opMore, ""), frame(fin|opMore, "")), code: 1007},
		{number: "6.1.3", what: "three fragments, only the second with content",
			send: bytesOf(frame(opText, ""), frame(opMore, hello), frame(fin|opMore, "")), answers: 1},
		{number: "6.2.1", what: "valid", send: bytesOf(text(with("Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xf0\x90\x8d\x88"))),
			answers: 1},
		{number: "6.2.3", what: "valid, in fragments of one byte", send: parts(opText, with(greek), 1), answers: 1},
		{number: "6.3.2", what: "a surrogate, in fragments of one byte",
			send: parts(opText, with(greek+"\xed\xa0\x80edited"), 1), code: 1007},
		{number: "6.4.1", what: "bad fragment between good ones",
			send: bytesOf(frame(opText, with(greek)[:10]), frame(opMore, "\xf4\x90\x80\x80"), frame(fin|opMore, `"}`)),
			code: 1007},
	}
	for _, c := range []struct{ number, what, bytes string }{
		{"6.3.1", "a surrogate after valid text", greek + "\xed\xa0\x80edited"},
		{"6.8.1", "a sequence of five bytes", "\xf8\x88\x80\x80\x80"},
		{"6.10.1", "past the last code point", "\xf7\xbf\xbf\xbf"},
		{"6.11.5", "the first after the last code point", "\xf4\x90\x80\x80"},
		{"6.12.1", "a continuation byte alone", "\x80"},
		{"6.13.1", "first bytes alone", "\xc0 \xc1 \xc2 \xdf "},
		{"6.14.4", "the last byte of a sequence is absent", "\xf0\x90\x80"},
		{"6.16.2", "a byte that is in no sequence", "\xff"},
		{"6.17.1", "a slash in two bytes", "\xc0\xaf"},
		{"6.18.2", "too long for its code point", "\xe0\x9f\xbf"},
		{"6.19.1", "a NUL in two bytes", "\xc0\x80"},
		{"6.21.1", "a pair of surrogates", "\xed\xa0\x80\xed\xb0\x80"},
	} {
		all = append(all, abuse{number: c.number, what: c.what, send: bytesOf(text(with(c.bytes))), code: 1007})
	}
	for _, c := range []struct{ number, what, bytes string }{
		{"6.7.4", "the first code point of four bytes", "\xf0\x90\x80\x80"},
		{"6.9.4", "the last code point", "\xf4\x8f\xbf\xbf"},
		{"6.11.1", "the last before the surrogates", "\xed\x9f\xbf"},
		{"6.22.1", "a noncharacter", "\xef\xbf\xbe"},
		{"6.23.7", "the replacement character", "\xef\xbf\xbd"},
	} {
		all = append(all, abuse{number: c.number, what: c.what, send: bytesOf(text(with(c.bytes))), answers: 1})
	}
	return all
}

// normal is the payload of a close with 1000.
const normal = "\x03\xe8"

func closes() []abuse {
	return []abuse{
		{number: "7.1.1", what: "close after a text", send: bytesOf(text(hello), end(normal)), answers: 1, code: 1000},
		{number: "7.1.2", what: "two closes", send: bytesOf(end(normal), end(normal)), code: 1000},
		{number: "7.1.3", what: "ping after a close", send: bytesOf(end(normal), ping("x")), code: 1000},
		{number: "7.1.4", what: "text after a close", send: bytesOf(end(normal), text(hello)), code: 1000},
		{number: "7.1.5", what: "close between two fragments",
			send: bytesOf(frame(opText, hello[:5]), end(normal), frame(fin|opMore, hello[5:])), code: 1000},
		{number: "7.1.6", what: "close and ping after a text of 256 KiB",
			send: bytesOf(text(message(256<<10)), end(normal), ping("x")), code: 1009},
		{number: "7.3.1", what: "empty close", send: bytesOf(end("")), code: 1005},
		{number: "7.3.2", what: "close of one byte", send: bytesOf(end("a")), code: 1002},
		{number: "7.3.4", what: "close with a reason", send: bytesOf(end(normal + "Hello World!")), code: 1000},
		{number: "7.3.5", what: "close of 125 bytes", send: bytesOf(end(normal + strings.Repeat("*", 123))), code: 1000},
		{number: "7.3.6", what: "close of 126 bytes", send: bytesOf(end(normal + strings.Repeat("*", 124))), code: 1002},
		// the session is over, whatever it was ended for, so the library does not check the reason
		{number: "7.5.1", what: "close with a reason that is no UTF-8", send: bytesOf(end(normal + "\xce\xba\xed\xa0\x80")),
			code: 1000, or: 1007},
	}
}

func codes() (all []abuse) {
	for _, c := range []struct {
		number       string
		sent, answer int
	}{
		{"7.7.2", 1001, 1001}, {"7.7.9", 1011, 1011}, {"7.7.10", 3000, 3000}, {"7.7.13", 4999, 4999},
		{"7.9.1", 0, 1002}, {"7.9.2", 999, 1002}, {"7.9.4", 1005, 1002}, {"7.9.9", 2999, 1002}, {"7.13.2", 65535, 1002},
	} {
		all = append(all, abuse{number: c.number, what: fmt.Sprintf("close with %d", c.sent),
			send: bytesOf(end(string([]byte{byte(c.sent >> 8), byte(c.sent)}))), code: c.answer})
	}
	return all
}

func limits() []abuse {
	const MiB = 1 << 20
	beat := text(`{"type":"heartbeat","x":"` + strings.Repeat("x", 100) + `"}`)
	big := message(mostBytes + 1)
	return []abuse{
		{number: "9.1.1", what: "text of 64 KiB", send: bytesOf(text(message(64 << 10))), code: 1009},
		{number: "9.1.6", what: "text of 16 MiB", send: bytesOf(text(message(16 * MiB))), code: 1009},
		{number: "9.2.6", what: "binary of 16 MiB", send: bytesOf(frame(fin|opBinary, message(16*MiB))), code: 1003,
			or: 1009},
		{number: "9.3.1", what: "text of 4 MiB in fragments of 64 bytes", send: parts(opText, message(4*MiB), 64),
			code: 1009},
		{number: "9.4.1", what: "binary of 4 MiB in fragments of 64 bytes", send: parts(opBinary, message(4*MiB), 64),
			code: 1003, or: 1009},
		{number: "9.5.1", what: "text of 1 MiB, 64 bytes at a time", send: bytesOf(text(message(MiB))), chop: 64, code: 1009},
		{number: "9.7.3", what: "300 messages", send: slices.Repeat(bytesOf(beat), 300)},
		{number: "9+1", what: "text of 32 KiB", send: bytesOf(text(message(mostBytes))), answers: 1},
		{number: "9+2", what: "text of 32 KiB and 1 byte", send: bytesOf(text(big)), code: 1009},
		{number: "9+3", what: "a length of 2^40", send: bytesOf(header(fin|opText, 1<<40), []byte(big)), code: 1009},
		{number: "9+4", what: "a length of 2^63-1", send: bytesOf(header(fin|opText, 1<<63-1), []byte(big)), code: 1009},
		{number: "9+5", what: "a length of 2^63", send: bytesOf(header(fin|opText, 1<<63), []byte(big)), code: 1002},
		{number: "10.1.1", what: "text of 65,536 bytes in fragments of 1,300", send: parts(opText, message(65536), 1300),
			code: 1009},
		{number: "10+1", what: "text of 32 KiB in fragments of 1,300", send: parts(opText, message(mostBytes), 1300),
			answers: 1},
		{number: "10+2", what: "text of 32 KiB and 1 byte in fragments of 1,300", send: parts(opText, big, 1300), code: 1009},
	}
}
