package drive

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

const traceback = `Traceback (most recent call last):
  File "load.py", line 7, in player
    request()
ValueError: no such page
`

func passed(t *testing.T, text string) string {
	t.Helper()
	var out strings.Builder
	b := NewBlocks(&out)
	if _, err := io.Copy(b, iotest.OneByteReader(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	b.Flush()
	return out.String()
}

func TestEachTracebackOnce(t *testing.T) {
	const again = "(repeated: ValueError: no such page; %d times so far)\n"
	other := strings.Replace(traceback, "line 7", "line 8", 1)
	node := "Error: refused\n    at connect (net.js:1)\n    at player (load.js:9)\n"
	for name, tc := range map[string]struct{ in, want string }{
		"lines": {"one\ntwo\none\none\n", "one\ntwo\none\none\n"},
		"once":  {traceback, traceback},
		"again": {traceback + traceback, traceback + fmt.Sprintf(again, 2)},
		"very often": {strings.Repeat(traceback, 150), traceback + fmt.Sprintf(again, 2) + fmt.Sprintf(again,
			11) + fmt.Sprintf(again, 101)},
		"another": {traceback + other + traceback, traceback + other + fmt.Sprintf(again, 2)},
		"lines between": {traceback + "on\n" + traceback + "off\n", traceback + "on\n" + fmt.Sprintf(again, 2) +
			"off\n"},
		"of Node": {node + node, node + "(repeated: at player (load.js:9); 2 times so far)\n"},
		"cut short": {traceback + "Traceback (most recent call last):\n  File", traceback +
			"Traceback (most recent call last):\n  File\n"},
		"only the header": {traceback + "Traceback (most recent call last):\nbye\n", traceback +
			"Traceback (most recent call last):\nbye\n"},
		"no newline": {"bye", "bye\n"},
		"indented":   {"  a\n  b\n", "  a\n  b\n"},
	} {
		if got := passed(t, tc.in); got != tc.want {
			t.Errorf("%s: passed on:\n%swant:\n%s", name, got, tc.want)
		}
	}
}

// TestLinesAreNotDelayed checks that new lines are passed on at once.
func TestLinesAreNotDelayed(t *testing.T) {
	var out strings.Builder
	b := NewBlocks(&out)
	for line := range strings.Lines("ready\n" + traceback) {
		_, _ = io.WriteString(b, line)
		if !strings.HasSuffix(out.String(), line) {
			t.Errorf("%q is not there yet: %q", line, out.String())
		}
	}
}

func TestBlocksAreBounded(t *testing.T) {
	b := NewBlocks(io.Discard)
	for i := range 10_000 {
		_, _ = fmt.Fprintf(b, "head\n  number %d\n", i)
	}
	_, _ = io.WriteString(b, strings.Repeat("head\n"+strings.Repeat("  body\n", 1000), 3))
	_, _ = io.WriteString(b, strings.Repeat("x", 1<<20))
	if len(b.seen) > maxBlocks || len(b.headers) > maxBlocks || len(b.block) > maxBlockLines+1 ||
		len(b.rest) > 2*maxBlockLine {
		t.Errorf("%d blocks, %d headers, %d lines, %d bytes", len(b.seen), len(b.headers), len(b.block), len(b.rest))
	}
}

// TestTheEndShowsNothingTwice: the last lines of a generator are part of the error only if they were not shown.
func TestTheEndShowsNothingTwice(t *testing.T) {
	seen := strings.Split(strings.TrimSpace(traceback), "\n")
	shown := NewBlocks(io.Discard)
	_, _ = io.WriteString(shown, traceback+"\n")
	for name, tc := range map[string]struct {
		blocks *Blocks
		left   int
	}{"shown": {shown, 0}, "not shown": {NewBlocks(io.Discard), len(seen)}} {
		e := &clierr.Error{What: "it ended", Cause: errors.New("exit status 1"), Detail: seen}
		if err := tc.blocks.Once(e); err == nil || len(e.Detail) != tc.left {
			t.Errorf("%s: %d lines in %v", name, len(e.Detail), err)
		}
	}
	if err := shown.Once(nil); err != nil {
		t.Error(err)
	}
}
