package faults_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
)

// killRounds is enough for a machine that does other things too; the kills of a whole server are tests of their own.
const killRounds = 25

// TestAKilledWriter: whatever moment kill -9 comes at, what was acknowledged is there, nothing lies between, and the
// next start needs no help.
func TestAKilledWriter(t *testing.T) {
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0))
	c := tally{t: t, what: fmt.Sprintf("acknowledged records absent or starts refused after kill -9, seed %d", seed)}
	dir := t.TempDir()
	end := uint64(1)
	for round := range killRounds {
		acknowledged := killed(t, dir, 1+random.IntN(40))
		l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test"})
		if err != nil {
			c.trial(false, "round %d: %v", round, err)
			break
		}
		for pos := end + 1; pos <= acknowledged; pos++ {
			e, err := l.Entry(t.Context(), pos)
			c.trial(err == nil && e.Issued.Submitter == "ci", "round %d: position %d of %d was acknowledged: %v", round,
				pos, acknowledged, err)
		}
		c.trial(l.Last() >= acknowledged && l.Last() <= acknowledged+40,
			"round %d: the log ends at %d, acknowledged was %d", round, l.Last(), acknowledged)
		end = l.Last()
		shut(t, l)
	}
	c.report()
}

// killed runs the writer, kills it once it has told of so many records, and returns the last one it told of.
func killed(t *testing.T, dir string, records int) (acknowledged uint64) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	told := 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if _, err := fmt.Sscanf(lines.Text(), "stored %d", &acknowledged); err != nil {
			t.Fatalf("the writer said %q", lines.Text())
		}
		if told++; told == records {
			if err := cmd.Process.Kill(); err != nil { // and reads on: more may have been told before it struck
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return acknowledged
}
