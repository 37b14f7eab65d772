package console

import (
	"fmt"
	"io"
	"sync"
)

// Line is the last line of a terminal. Its methods may be called from several goroutines.
type Line struct {
	mu       sync.Mutex
	w        io.Writer
	animated bool
	colour   bool
	shown    string
}

// NewLine returns a line on w, which is animated if w is a terminal that can redraw it.
func NewLine(w io.Writer) *Line { return &Line{w: w, animated: Animated(w), colour: Colour(w)} }

// Animated reports whether Draw shows anything.
func (l *Line) Animated() bool { return l.animated }

// Draw replaces the line. It does nothing if the line is not animated.
func (l *Line) Draw(text string) {
	if !l.animated {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if text == l.shown {
		return
	}
	l.shown = text
	l.put("\r" + text + "\x1b[K")
}

// Keep ends the line, so that what it shows stays.
func (l *Line) Keep() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.shown != "" {
		l.put("\n")
		l.shown = ""
	}
}

// Say writes a permanent line above the one that is redrawn. It escapes control characters.
func (l *Line) Say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := Safe(fmt.Sprintf(format, args...)) + "\n"
	if l.shown != "" {
		text = "\r\x1b[K" + text + l.shown
	}
	l.put(text)
}

// put ignores errors: if the terminal was closed, nothing can be done.
func (l *Line) put(s string) { _, _ = io.WriteString(l.w, s) }
