package drive

import (
	"io"
	"sync"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
)

// Screen is stdout and stderr of a driver. If both are the terminal, the progress line stays in place below the
// messages on stderr.
type Screen struct {
	out, err io.Writer
	terminal bool // stdout is a terminal
	animated bool // stdout is a terminal that can redraw a line
	shared   bool // stderr is a terminal

	mu   sync.Mutex
	line string // the last progress line
}

// clearLine moves the cursor to the start of the line and clears the line.
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

// messages writes to stderr, above the progress line.
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

// show replaces the progress line. If the terminal cannot redraw it, show writes a new line if the text has changed.
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
	if line := []rune(text); len(line) >= console.Width(s.out) { // a wrapped line could not be cleared
		text = string(line[:console.Width(s.out)-1])
	}
	s.line = text
	_, _ = io.WriteString(s.out, clearLine+text)
}

// leave ends the progress line, which stays on the screen.
func (s *Screen) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.animated && s.line != "" {
		_, _ = io.WriteString(s.out, "\n")
	}
	s.line = ""
}
