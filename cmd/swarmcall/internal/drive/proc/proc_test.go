//go:build unix

package proc

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain also runs the test binary as the process under test.
func TestMain(m *testing.M) {
	RunGuardIfRequested()
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
	case "driver":
		drive(os.Getenv("PROC_TEST_SCRIPT"))
	case "child":
		select {}
	}
	goleak.VerifyTestMain(m)
}

func begin(t *testing.T, as string, s Streams) *Process {
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
	p := begin(t, "fail", Streams{Stderr: &all})
	<-p.Ended()
	e, ok := errors.AsType[*Error](p.Err())
	if !ok || e.How != "exit status 107" || len(e.Seen()) != keptLines || e.Words[0] != "line 11" ||
		e.Words[9] != "no newline" {
		t.Fatalf("%+v", p.Err())
	}
	if !strings.Contains(e.Error(), "exit status 107; its last line: no newline") ||
		!strings.HasPrefix(all.String(), "line 0\n") {
		t.Error(e, all.String())
	}
}

func TestClose(t *testing.T) {
	p := begin(t, "child", Streams{})
	p.Close(time.Minute)
	if !strings.Contains(p.Err().Error(), "signal: terminated") {
		t.Error(p.Err())
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p = begin(t, "deaf", Streams{Stdout: w})
	if _, err := r.Read(make([]byte, 4)); err != nil {
		t.Fatal(err)
	}
	p.Close(10 * time.Millisecond)
	if !strings.Contains(p.Err().Error(), "signal: killed") {
		t.Error(p.Err())
	}
}

func TestOutput(t *testing.T) {
	if out, err := Output(t.Context(), "sh", "-c", "echo yes; echo no >&2"); string(out) != "yes\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	_, err := Output(t.Context(), "sh", "-c", "echo no >&2; exit 3")
	if e, ok := errors.AsType[*Error](err); !ok || e.How != "exit status 3" || len(e.Words) != 1 {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Output(ctx, "sh", "-c", "trap '' TERM; while :; do sleep 0.01; done"); !errors.Is(err,
		context.Canceled) {
		t.Error(err)
	}
}

// TestCannotStart checks that the error of Start wraps the system's error.
func TestCannotStart(t *testing.T) {
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("#!/does/not/exist\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{
		"no-such-program": exec.ErrNotFound, "/does/not/exist": fs.ErrNotExist, script: fs.ErrNotExist,
		plain: fs.ErrPermission,
	} {
		if _, err := Start([]string{name}, Streams{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// drive acts as a driver: it runs a script, and carries out the lines from the test.
func drive(script string) {
	_ = os.Unsetenv("PROC_TEST")
	p, err := Start([]string{"sh", "-c", script}, Streams{Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		panic(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		switch lines.Text() {
		case "close":
			p.Close(300 * time.Millisecond)
		case "kill":
			p.Kill()
		case "wait":
			<-p.Ended()
		}
		_, _ = fmt.Fprintln(os.Stdout, "did", lines.Text(), p.Err())
	}
	select {}
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
