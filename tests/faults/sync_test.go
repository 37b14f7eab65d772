package faults_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// syncedRecords is enough for three block files of 8 MiB.
const syncedRecords = 60

// TestAcknowledgedMeansSynced watches the system calls of a process that appends: before each acknowledgement, and
// before each mark, every block file that was written to has been synced since, and the directory too if the file is
// new.
func TestAcknowledgedMeansSynced(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "calls")
	cmd := exec.CommandContext(t.Context(), "strace", "-f", "-qq", "-y", "-s", "32", "-o", trace,
		"-e", "trace=openat,write,pwrite64,fsync,fdatasync", os.Args[0])
	cmd.Env = append(os.Environ(), bulkWriterEnv+"="+t.TempDir())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("strace and the writer: %v (is strace installed?)\n%s", err, tail(string(out)))
	}
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	c := tally{t: t, what: "acknowledgements and marks before the sync of what they speak of"}
	w := newSyncWatch()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if what := w.take(lines.Text()); what != "" {
			c.trial(len(w.unsynced) == 0, "%s before a sync of %v", what, w.unsynced)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if w.blocks < 3 || w.acknowledged < syncedRecords/2 || w.marks < w.acknowledged {
		t.Errorf("%d block files, %d acknowledgements and %d marks were seen", w.blocks, w.acknowledged, w.marks)
	}
	c.report()
	t.Logf("%d block files, %d acknowledgements, %d marks", w.blocks, w.acknowledged, w.marks)
}

// bulkWriterEnv names the directory for a process of this test binary that appends big records and prints each append;
// see bulkWriter.
const bulkWriterEnv = "SWARMCALL_FAULTS_BULK_WRITER"

func bulkWriter(dir string) error {
	ctx := context.Background()
	l, err := cmdlog.Open(ctx, cmdlog.Config{Dir: dir, Node: "test"})
	if err != nil {
		return err
	}
	ids := make([]string, 12_000)
	for i := range ids {
		ids[i] = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i))) // compresses badly
	}
	for i, stored := 0, 0; stored < syncedRecords; i++ {
		records := []swarm.Record{swarmtest.Issued("ci", ids...)}
		if i%3 == 0 {
			records = append(records, swarmtest.Stop("ci", "a"), swarmtest.Issued("ci", ids...))
		}
		if _, err := l.Append(ctx, l.Last(), records); err != nil {
			return err
		}
		stored += len(records)
		_, _ = fmt.Fprintf(os.Stdout, "stored %d\n", stored)
	}
	return l.Close(ctx)
}

// syncWatch follows the calls of a process, as strace writes them.
type syncWatch struct {
	unsynced map[string]int    // by file that was written to, or directory with a new file: at which call
	syncing  map[string]syncOf // by thread
	calls    int

	blocks, acknowledged, marks int
}

// syncOf is a sync that has begun.
type syncOf struct {
	path string
	at   int // call
}

func newSyncWatch() *syncWatch {
	return &syncWatch{unsynced: map[string]int{}, syncing: map[string]syncOf{}}
}

var (
	writeCall   = regexp.MustCompile(`^p?write(?:64)?\(\d+<([^>]*)>, "([^"]*)`)
	createCall  = regexp.MustCompile(`^openat\(.*"([^"]*/msgs)/\d+\.blk", [A-Z_|]*O_CREAT`)
	syncCall    = regexp.MustCompile(`^f(?:data)?sync\(\d+<([^>]*)>`)
	syncResumed = regexp.MustCompile(`^<\.\.\. f(?:data)?sync resumed>`)
	succeeded   = regexp.MustCompile(`\) += 0$`)
)

// take handles the next line. It returns "a mark" or "an acknowledgement" if the process writes one, else "". A write
// counts from its beginning, and a sync at its end, for what was written before the sync began.
func (w *syncWatch) take(line string) string {
	thread, call, _ := strings.Cut(line, " ")
	call = strings.TrimSpace(call)
	w.calls++
	if m := writeCall.FindStringSubmatch(call); m != nil {
		return w.write(m[1], m[2])
	}
	if m := createCall.FindStringSubmatch(call); m != nil {
		w.blocks++
		w.unsynced[m[1]] = w.calls
	}
	if m := syncCall.FindStringSubmatch(call); m != nil {
		w.syncing[thread] = syncOf{m[1], w.calls}
	} else if !syncResumed.MatchString(call) {
		return ""
	}
	if s := w.syncing[thread]; succeeded.MatchString(call) && w.unsynced[s.path] <= s.at {
		delete(w.unsynced, s.path)
	}
	return ""
}

func (w *syncWatch) write(path, text string) string {
	switch {
	case strings.HasSuffix(path, ".blk"):
		w.unsynced[path] = w.calls
	case strings.HasSuffix(path, "/mark") && strings.HasPrefix(text, "SCMK"):
		w.marks++
		return "a mark"
	case strings.HasPrefix(text, "stored "):
		w.acknowledged++
		return "an acknowledgement"
	}
	return ""
}
