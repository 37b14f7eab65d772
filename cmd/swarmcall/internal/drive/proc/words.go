package proc

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// Limits of the kept output of a process.
const (
	keptLines = 10
	keptBytes = 500 // of a line
)

// words keeps the last lines written to it, in bounded memory, and passes everything on.
type words struct {
	to io.Writer // nil: nowhere

	mu    sync.Mutex
	lines []string
	rest  []byte // of an unfinished line
}

// Write never fails: a closed reader must not end the process.
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

// end ends a line. Empty lines are ignored.
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
