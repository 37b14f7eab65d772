package faults_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// writerEnv names the directory for a process of this test binary that only writes to a log; see writer.
const writerEnv = "SWARMCALL_FAULTS_WRITER"

// writer appends records one by one, and prints each position that was acknowledged, until the log refuses a record.
// Then it prints whether the log reports a failure, accepts another record, and can be read.
func writer(dir string) error {
	ctx := context.Background()
	l, err := cmdlog.Open(ctx, cmdlog.Config{Dir: dir, Node: "test"})
	if err != nil {
		return err
	}
	out := os.Stdout // unbuffered, so that a kill loses no line
	var last uint64
	for range 500 {
		var pos uint64
		if pos, err = l.Append(ctx, l.Last(), []swarm.Record{swarmtest.Issued("ci", "a")}); err != nil {
			break
		}
		last = pos
		_, _ = fmt.Fprintf(out, "stored %d\n", pos)
	}
	_, _ = fmt.Fprintf(out, "refused %s\n", swarm.CodeOf(err))
	select {
	case err := <-l.Failed():
		_, _ = fmt.Fprintf(out, "failed %v\n", err)
	case <-time.After(2 * time.Second): // a log that is only full does not fail
	}
	for range 20 {
		if pos, err := l.Append(ctx, l.Last(), []swarm.Record{swarmtest.Stop("ci", "a")}); err == nil {
			_, _ = fmt.Fprintf(out, "stored %d\n", pos)
		}
	}
	if _, err := l.Entry(ctx, last); err == nil {
		_, _ = fmt.Fprintln(out, "read")
	}
	if l.Check(ctx) != nil {
		_, _ = fmt.Fprintln(out, "unready")
	}
	return nil
}

// TestAFailingDisk: no record is acknowledged that a failed write or sync may have lost, and none is tried again as if
// nothing had failed. The log reports the failure, and can still be read.
func TestAFailingDisk(t *testing.T) {
	c := tally{t: t, what: "records acknowledged and absent, or failures not told, on a failing disk"}
	for _, fault := range []string{
		"fsync:error=EIO:when=5+", "fsync:error=EIO:when=40", "pwrite64:error=ENOSPC:when=5+",
		"pwrite64:error=ENOSPC:when=40",
		"pwrite64:error=EIO:when=20+", "pwrite64:error=EFBIG:when=20+",
	} {
		dir := t.TempDir()
		shut(t, mustOpen(t, cmdlog.Config{Dir: dir, Node: "test"})) // strace needs the file to exist
		said, stored := traced(t, dir, fault)
		c.trial(strings.Contains(said, "refused log_unavailable\n") && strings.Contains(said, "failed ") &&
			strings.Contains(said, "read\n") &&
			strings.Contains(said, "unready\n"), "%s: the writer said\n%s", fault, tail(said))
		l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test"})
		for _, pos := range stored {
			e, err := l.Entry(t.Context(), pos)
			c.trial(err == nil && e.Issued.Submitter == "ci", "%s: position %d was acknowledged: %v", fault, pos, err)
		}
		shut(t, l)
	}
	c.report()
}

// traced runs the writer with a fault injected into its calls on the log's file.
func traced(t *testing.T, dir, fault string) (said string, stored []uint64) {
	t.Helper()
	call, _, _ := strings.Cut(fault, ":")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-o", "/dev/null", "-P",
		filepath.Join(dir, blockFile), "-e", "trace="+call, "-e", "inject="+fault,
		os.Args[0])
	cmd.Env = append(os.Environ(), writerEnv+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("strace and the writer, with %s: %v (is strace installed?)\n%s", fault, err, out)
	}
	for line := range strings.Lines(string(out)) {
		var pos uint64
		if _, err := fmt.Sscanf(line, "stored %d", &pos); err == nil {
			stored = append(stored, pos)
		}
	}
	return string(out), stored
}

func tail(s string) string { return s[max(0, len(s)-500):] }
