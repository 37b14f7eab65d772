package demo

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"sync"
)

// Limits on what is kept of a child's output.
const (
	tailLines = 8
	lineBytes = 1000
)

// tail is a writer for a child's output that keeps its last lines and the first address in it.
type tail struct {
	prefix string
	echo   io.Writer     // receives every line with the prefix; nil: none
	told   chan struct{} // closed when address is set

	mu      sync.Mutex
	partial []byte
	lines   []string
	address string
}

func newTail(prefix string, echo io.Writer) *tail {
	return &tail{prefix: prefix, echo: echo, told: make(chan struct{})}
}

// addressForm matches an address with a port, as in a server's first log line. It is compiled on first use: otherwise
// every command of the CLI would wait for it.
var addressForm = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:]*\]|localhost):\d{1,5}\b`)
})

// Write accepts output in pieces of any size.
func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(b)
	for {
		line, rest, whole := bytes.Cut(b, []byte("\n"))
		if room := lineBytes - len(t.partial); room > 0 {
			t.partial = append(t.partial, line[:min(room, len(line))]...)
		}
		if !whole {
			return n, nil
		}
		t.line(string(bytes.TrimRight(t.partial, "\r")))
		t.partial, b = t.partial[:0], rest
	}
}

func (t *tail) line(s string) {
	if t.lines = append(t.lines, s); len(t.lines) > tailLines {
		t.lines = t.lines[1:]
	}
	if t.echo != nil {
		_, _ = fmt.Fprintf(t.echo, "%s | %s\n", t.prefix, s) // a closed terminal must not stop the child
	}
	if t.address == "" {
		if t.address = addressForm().FindString(s); t.address != "" {
			close(t.told)
		}
	}
}

// last returns the last lines, including an unfinished one.
func (t *tail) last() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := append([]string(nil), t.lines...)
	if len(t.partial) > 0 {
		lines = append(lines, string(t.partial))
	}
	return lines
}

// addr returns the first address in the output, empty if there is none yet.
func (t *tail) addr() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.address
}
