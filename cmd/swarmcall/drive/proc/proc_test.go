//go:build unix

package proc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// The test binary is the process.
func TestMain(m *testing.M) {
	switch os.Getenv("PROC_TEST") {
	case "fail":
		for i := range 20 {
			_, _ = fmt.Fprintf(os.Stderr, "line %d\n", i)
		}
		_, _ = fmt.Fprint(os.Stderr, "no newline")
		os.Exit(107)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		_, _ = fmt.Fprintln(os.Stdout, "deaf")
		select {}
	case "parent":
		p, err := Start([]string{os.Args[0]}, Streams{})
		if err != nil {
			panic(err)
		}
		_, _ = fmt.Fprintln(os.Stdout, p.Pid())
		select {}
	case "child":
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, as string, s Streams) *Process {
	t.Helper()
	t.Setenv("PROC_TEST", as)
	p, err := Start([]string{os.Args[0]}, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestLastWords(t *testing.T) {
	var all bytes.Buffer
	p := start(t, "fail", Streams{Stderr: &all})
	<-p.Ended()
	e, ok := errors.AsType[*Error](p.Err())
	if !ok || e.How != "exit status 107" || len(e.Seen()) != keptLines || e.Words[0] != "line 11" || e.Words[9] != "no newline" {
		t.Fatalf("%+v", p.Err())
	}
	if !strings.Contains(e.Error(), "exit status 107; its last line: no newline") || !strings.HasPrefix(all.String(), "line 0\n") {
		t.Error(e, all.String())
	}
}

func TestClose(t *testing.T) {
	p := start(t, "child", Streams{})
	p.Close(time.Minute)
	if !strings.Contains(p.Err().Error(), "signal: terminated") {
		t.Error(p.Err())
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p = start(t, "deaf", Streams{Stdout: w})
	if _, err := r.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	p.Close(10 * time.Millisecond)
	if !strings.Contains(p.Err().Error(), "signal: killed") {
		t.Error(p.Err())
	}
}

func TestNotThere(t *testing.T) {
	if _, err := Start([]string{"/does/not/exist"}, Streams{}); err == nil {
		t.Error("started")
	}
}

const diesWithItsParent = runtime.GOOS == "linux"

// TestDoesNotOutliveItsParent kills a process that has started another by this package.
func TestDoesNotOutliveItsParent(t *testing.T) {
	if !diesWithItsParent {
		testenv.Lacks(t, "children do not die with their parent on %s", runtime.GOOS)
	}
	cmd := exec.CommandContext(context.Background(), "sh", "-c", `PROC_TEST=parent exec "$0"`, os.Args[0])
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	late := time.After(20 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for syscall.Kill(pid, 0) == nil && !zombie(pid) {
		select {
		case <-late:
			t.Fatalf("process %d has outlived its parent", pid)
		case <-again.C:
		}
	}
}

// zombie reports whether nobody has waited for a process that has ended: in a container there may be nobody who does.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestWordsAreBounded(t *testing.T) {
	w := new(words)
	for range 1000 {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
	}
	if lines := w.last(); len(lines) != 1 || len(lines[0]) != keptBytes {
		t.Errorf("%d lines", len(lines))
	}
}
