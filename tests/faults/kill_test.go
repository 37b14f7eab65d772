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

// killRounds is few enough for a busy machine; other tests kill a whole server.
const killRounds = 25

// TestAKilledWriter: whenever kill -9 comes, every acknowledged record is in the log, without a gap, and the next start
// needs no flag.
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

// killed runs the writer, kills it once it has printed so many records, and returns the last position that it printed.
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
			if err := cmd.Process.Kill(); err != nil { // and reads on: the writer may print more before it dies
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	return acknowledged
}
