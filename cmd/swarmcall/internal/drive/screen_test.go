package drive

import (
	"bytes"
	"io"
	"testing"
)

// TestMessagesStandAboveTheLine checks that messages of the generator do not end up within the progress line.
func TestMessagesStandAboveTheLine(t *testing.T) {
	var out bytes.Buffer // stdout and stderr, as on a terminal
	s := &Screen{out: &out, err: &out, terminal: true, animated: true, shared: true}
	_, _ = io.WriteString(s.Err(), "starting\n")
	s.show("d-1 connected")
	_, _ = io.WriteString(s.Err(), "a warning\n")
	s.show("d-1 connected, 5/5 players")
	s.leave()
	_, _ = io.WriteString(s.Err(), "the end\n")
	const want = "starting\n\r\x1b[Kd-1 connected\r\x1b[Ka warning\nd-1 connected" +
		"\r\x1b[Kd-1 connected, 5/5 players\nthe end\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}

// TestATerminalThatCannotDraw gets a line for each change.
func TestATerminalThatCannotDraw(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{out: &out, err: &out, terminal: true}
	for _, text := range []string{"a", "a", "b"} {
		s.show(text)
	}
	s.leave()
	if out.String() != "a\nb\n" {
		t.Errorf("%q", out.String())
	}
}

func TestALineDoesNotWrap(t *testing.T) {
	var out bytes.Buffer
	s := &Screen{out: &out, err: &out, terminal: true, animated: true}
	s.show(string(bytes.Repeat([]byte("é"), 100))) // 80 columns
	if n := len([]rune(s.line)); n != 79 {
		t.Errorf("%d columns", n)
	}
}
