package process_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/failpoint"
)

// TestABackupUnderFire makes backups of a log while several writers send commands. A backup has every command that was
// answered before it began, it is a prefix of the log, and a server starts on it.
func TestABackupUnderFire(t *testing.T) {
	w := newWorld(t, 3)
	complete := tally{t: t, what: "answered commands that are not in a backup that began later"}
	prefix := tally{t: t, what: "lines of a backup that are not the log's"}
	starts := tally{t: t, what: "backups that do not verify, or on which no server starts"}
	answered := keepWriting(t, w)
	for round := range rounds(3, 40) {
		was := len(answered())
		eventually(t, patience, "the writers go on", func() bool { return len(answered()) > was+20 })
		before := answered()
		to := filepath.Join(t.TempDir(), "backup")
		if out, err := backup(t, w.launch.dir, to, "").CombinedOutput(); err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, out)
		}
		out, err := verify(t, to)
		starts.trial(err == nil && !strings.Contains(out, "unfinished"), "round %d: %s", round, out)
		copied, log := exported(t, to), exported(t, w.launch.dir)
		for i, line := range copied {
			prefix.trial(i < len(log) && line == log[i], "round %d, line %d: %s", round, i, line)
		}
		s, err := launch{dir: to}.start(t)
		starts.trial(err == nil, "round %d: %v", round, err)
		if err != nil {
			continue
		}
		found := map[uint64]entry{}
		for _, e := range newClient("http://"+s.Addr).entries(t, 0, "") {
			found[e.Seq] = e
		}
		for _, e := range before {
			got := found[e.Seq]
			same := got.Command == e.Command && got.Submitter == e.Submitter && got.Status == e.Status
			complete.trial(same, "round %d: %+v, the copy has %+v", round, e, got)
		}
		s.stop(t)
	}
	complete.report()
	prefix.report()
	starts.report()
}

// keepWriting lets writers send commands until the test ends. answered returns the entries that were answered so far.
func keepWriting(t *testing.T, w *world) (answered func() []entry) {
	t.Helper()
	firing, cease := context.WithCancel(context.Background())
	var mu sync.Mutex
	var entries []entry
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := 0; firing.Err() == nil; n++ {
				a, err := w.client.post(firing, command{submitter: fmt.Sprintf("w-%d", i), players: int64(n)})
				if err == nil && a.accepted() {
					mu.Lock()
					entries = append(entries, a.entry)
					mu.Unlock()
				}
			}
		})
	}
	t.Cleanup(func() {
		cease()
		all.Wait()
	})
	return func() []entry {
		mu.Lock()
		defer mu.Unlock()
		return entries[:len(entries):len(entries)]
	}
}

// backup returns `swarmcall log backup`. It ends by kill -9 at a hit of a failpoint, if hit names one.
func backup(t *testing.T, dir, to, hit string) *exec.Cmd {
	t.Helper()
	tool := filepath.Join(binaries, "swarmcall")
	c := exec.CommandContext(t.Context(), tool, "log", "backup", "--data-dir", dir, "--to", to)
	if hit != "" {
		c.Env = append(os.Environ(), failpoint.Env+"="+hit)
	}
	return c
}

// exported are the lines of `swarmcall log export`.
func exported(t *testing.T, dir string) []string {
	t.Helper()
	tool := filepath.Join(binaries, "swarmcall")
	out, err := exec.CommandContext(t.Context(), tool, "log", "export", "--data-dir", dir).Output()
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	var all []string
	for line := range strings.Lines(string(out)) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("%s is no JSON", line)
		}
		all = append(all, line)
	}
	return all
}

// TestABackupKilledHalfway: whenever kill -9 hits it, the target does not exist, the remaining files are not a log, and
// the next backup succeeds.
func TestABackupKilledHalfway(t *testing.T) {
	w := newWorld(t, 1)
	w.all(t, 1, command{submitter: "ci", players: 5})
	to := filepath.Join(t.TempDir(), "backup")
	kills := 0
	for hit := 1; ; hit++ {
		out, err := backup(t, w.launch.dir, to, fmt.Sprintf("%s:%d", failpoint.MidBackup, hit)).CombinedOutput()
		if err == nil {
			break
		}
		kills++
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("hit %d: %v\n%s", hit, err, out)
		}
		if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("hit %d: the target exists: %v", hit, err)
		}
		if hit == 1 {
			notALog(t, to)
		}
	}
	if kills < 2 {
		t.Errorf("%d kills: the failpoint is not met", kills)
	}
	if out, err := verify(t, to); err != nil {
		t.Errorf("the backup after them: %s", out)
	}
}

// notALog checks that neither the tool nor a server accepts a copy without its mark as a log.
func notALog(t *testing.T, to string) {
	t.Helper()
	left, err := filepath.Glob(to + ".partial-*")
	if err != nil || len(left) != 1 {
		t.Fatalf("left behind: %q %v", left, err)
	}
	if out, err := verify(t, left[0]); err == nil {
		t.Errorf("half a backup verifies: %s", out)
	}
	if s, err := (launch{dir: left[0]}).start(t); err == nil {
		t.Errorf("a server starts on half a backup: %s", s.Err.String())
	} else if !s.EndsWithin(patience) {
		t.Error("the server does not end")
	}
}
