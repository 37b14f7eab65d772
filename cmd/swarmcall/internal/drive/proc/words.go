package proc

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// What is kept of what a process writes.
const (
	keptLines = 10
	keptBytes = 500 // of a line
)

// words keeps the last lines of what is written to it, in bounded memory, and passes all of it on.
type words struct {
	to io.Writer // nil: nowhere

	mu    sync.Mutex
	lines []string
	rest  []byte // of a line that has not ended
}

// Write never fails: a process must not die of a reader that has gone.
func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.to != nil {
		_, _ = w.to.Write(b)
	}
	for rest := b; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		w.rest = append(w.rest, part[:min(len(part), keptBytes-len(w.rest))]...)
		if ended {
			w.end()
		}
		rest = after
	}
	return len(b), nil
}

// end ends a line. Empty ones say nothing.
func (w *words) end() {
	line := strings.TrimRight(strings.ToValidUTF8(string(w.rest), "?"), " \t\r")
	w.rest = w.rest[:0]
	if line == "" {
		return
	}
	if len(w.lines) == keptLines {
		w.lines = append(w.lines[:0], w.lines[1:]...)
	}
	w.lines = append(w.lines, line)
}

// last returns the last lines.
func (w *words) last() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.end()
	return append([]string(nil), w.lines...)
}
