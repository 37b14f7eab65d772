package drive

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// Limits of the remembered output of a generator.
const (
	maxBlocks     = 256      // different tracebacks
	maxBlockLines = 200      // per traceback; a longer block is not a traceback
	maxBlockLine  = 16 << 10 // bytes
	recentLines   = 20
)

// Blocks passes a generator's messages on, but each traceback (a line with the indented lines after it) only once. When
// it is repeated for the 1st, 10th, 100th time and so on, a line reports the count.
type Blocks struct {
	to io.Writer

	mu      sync.Mutex
	rest    []byte         // of an unfinished line
	block   []string       // the current block
	held    bool           // the block is held back, because it may be a known one
	headers map[string]int // first lines of blocks that were passed on
	seen    map[[sha256.Size]byte]int
	recent  []string // the last lines received, passed on or only counted
}

// NewBlocks returns Blocks that pass messages on to w.
func NewBlocks(w io.Writer) *Blocks {
	return &Blocks{to: w, headers: map[string]int{}, seen: map[[sha256.Size]byte]int{}}
}

// Write accepts output in pieces of any size. It never fails: a closed reader must not end the generator.
func (b *Blocks) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for rest := p; len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		b.rest, rest = append(b.rest, line...), after
		if ended || len(b.rest) > maxBlockLine {
			b.line(string(bytes.TrimRight(b.rest, "\r")))
			b.rest = b.rest[:0]
		}
	}
	return len(p), nil
}

// Flush passes on an unfinished line, and ends the current block.
func (b *Blocks) Flush() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) > 0 {
		b.line(string(b.rest))
		b.rest = nil
	}
	b.endBlock()
}

func (b *Blocks) line(text string) {
	if b.recent = append(b.recent, text); len(b.recent) > recentLines {
		b.recent = b.recent[1:]
	}
	switch {
	case len(b.block) > 0 && indented(text):
		b.add(text)
	case len(b.block) > 0 && closes(b.block, text):
		b.add(text)
		b.endBlock()
	default:
		b.endBlock()
		b.held = b.headers[text] > 0
		b.add(text)
	}
}

func indented(line string) bool { return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") }

// closes reports whether a line ends a Python traceback: its last line is the exception, which is not indented.
func closes(block []string, line string) bool {
	return strings.HasPrefix(block[0], "Traceback (") && len(block) > 1 && line != ""
}

// add adds a line to the block, and passes it on unless the block may be a known one.
func (b *Blocks) add(text string) {
	if len(b.block) <= maxBlockLines {
		b.block = append(b.block, text)
	}
	switch {
	case !b.held:
		b.say(text)
	case len(b.block) > maxBlockLines: // too long for a traceback: later lines are passed on at once
		b.release()
	}
}

// release passes on the held lines.
func (b *Blocks) release() {
	for _, line := range b.block {
		b.say(line)
	}
	b.held = false
}

// endBlock counts a known block, and remembers a new one.
func (b *Blocks) endBlock() {
	block := b.block
	if len(block) < 2 || len(block) > maxBlockLines {
		if b.held {
			b.release()
		}
		b.block, b.held = nil, false
		return
	}
	key := sha256.Sum256([]byte(strings.Join(block, "\n")))
	times := b.seen[key]
	if times == 0 && b.held {
		b.release()
	}
	if times > 0 || len(b.seen) < maxBlocks {
		b.seen[key] = times + 1
		b.headers[block[0]]++
	}
	if times > 0 && roundNumber(times) {
		b.say(fmt.Sprintf("(repeated: %s; %d times so far)", strings.TrimSpace(block[len(block)-1]), times+1))
	}
	b.block, b.held = nil, false
}

// roundNumber reports whether n is 1, 10, 100 and so on.
func roundNumber(n int) bool {
	for n%10 == 0 {
		n /= 10
	}
	return n == 1
}

func (b *Blocks) say(line string) { _, _ = io.WriteString(b.to, line+"\n") }

// Once removes the details of an error if they were already shown.
func (b *Blocks) Once(err error) error {
	e, ok := errors.AsType[*clierr.Error](err)
	if !ok || len(e.Detail) == 0 {
		return err
	}
	b.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	shown := slices.DeleteFunc(slices.Clone(b.recent), func(line string) bool { return strings.TrimSpace(line) == "" })
	if n := len(shown) - len(e.Detail); n >= 0 && slices.EqualFunc(shown[n:], e.Detail, sameLine) {
		e.Detail = nil
	}
	return err
}

// sameLine compares a line with its stored form: long lines are cut, and trailing white space is removed.
func sameLine(line, kept string) bool { return strings.HasPrefix(strings.ToValidUTF8(line, "?"), kept) }
