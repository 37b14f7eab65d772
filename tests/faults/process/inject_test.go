package process_test

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// inject makes system calls of the server fail, on all files or on those named, until lift is called. It uses strace,
// because a preloaded library does not affect a Go binary.
func inject(t *testing.T, s *server, calls, errno string, paths ...string) (lift func()) {
	t.Helper()
	_, absent := exec.LookPath("strace")
	need(t, absent, "strace")
	args := []string{
		"-f", "-p", fmt.Sprint(s.Cmd.Process.Pid), "-o", "/dev/null", "-e", "trace=" + calls, "-e", "inject=" + calls +
			":error=" + errno,
	}
	for _, p := range paths {
		args = append(args, "-P", p)
	}
	cmd := exec.CommandContext(context.Background(), "strace", args...)
	words, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	attached, gone := make(chan struct{}), make(chan struct{})
	var said strings.Builder
	go func() { // ends with strace
		defer close(gone)
		told := false
		for lines := bufio.NewScanner(words); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if !told && strings.Contains(lines.Text(), " attached") {
				told = true
				close(attached)
			}
		}
		_ = cmd.Wait()
	}()
	lift = func() {
		_ = cmd.Process.Signal(syscall.SIGINT) // it detaches from the server and ends
		<-gone
	}
	select {
	case <-attached:
	case <-gone:
		t.Fatalf("strace cannot attach: %s", said.String())
	case <-time.After(patience):
		lift()
		t.Fatal("strace does not attach")
	}
	t.Cleanup(lift)
	return lift
}
