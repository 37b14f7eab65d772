package drive

import (
	"io"
	"sync"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
)

// Screen is stdout and stderr of a driver. On a terminal they share it: a line of progress stays in place below what
// stderr says.
type Screen struct {
	out, err io.Writer
	terminal bool // people read stdout
	animated bool // and a line of it may be drawn again
	shared   bool // and stderr is a terminal as well

	mu   sync.Mutex
	line string // that stands there
}

// clearLine goes to the begin of the line and wipes it.
const clearLine = "\r\x1b[K"

// NewScreen returns a screen on a process's own streams.
func NewScreen(out, err io.Writer) *Screen {
	return &Screen{
		out: out, err: err, terminal: console.IsTTY(out), animated: console.Animated(out), shared: console.IsTTY(err),
	}
}

// Write writes to stdout.
func (s *Screen) Write(b []byte) (int, error) { return s.out.Write(b) }

// Err returns stderr. Write whole lines to it.
func (s *Screen) Err() io.Writer {
	if !s.animated || !s.shared {
		return s.err
	}
	return messages{s}
}

// messages is stderr beside a line that stays in place.
type messages struct{ s *Screen }

func (m messages) Write(b []byte) (int, error) {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	if m.s.line == "" {
		return m.s.err.Write(b)
	}
	_, _ = io.WriteString(m.s.out, clearLine)
	n, err := m.s.err.Write(b)
	_, _ = io.WriteString(m.s.out, m.s.line)
	return n, err
}

// show puts a line in place of the last one; where that cannot be, it is written below it if it says something new.
func (s *Screen) show(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.animated {
		if text != s.line {
			_, _ = io.WriteString(s.out, text+"\n")
		}
		s.line = text
		return
	}
	if line := []rune(text); len(line) >= console.Width(s.out) { // one that wraps could not be wiped
		text = string(line[:console.Width(s.out)-1])
	}
	s.line = text
	_, _ = io.WriteString(s.out, clearLine+text)
}

// leave keeps the line that stands there.
func (s *Screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.animated && s.line != "" {
		_, _ = io.WriteString(s.out, "\n")
	}
	s.line = ""
}
