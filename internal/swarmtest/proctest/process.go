// Package proctest builds the programs of the repository and runs them next to a test: the server, the command line,
// drivers.
package proctest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// Build builds programs, a map from names to packages, into a directory. It runs go build in tree, "" for the directory
// of the test. It builds without the race detector, because the tests check only the programs' behaviour.
func Build(tree, into string, programs map[string]string, flags ...string) error {
	for name, pkg := range programs {
		args := append(append([]string{"build"}, flags...), "-o", filepath.Join(into, name), pkg)
		cmd := exec.CommandContext(context.Background(), "go", args...) //nolint:gosec // G204: tests say what to build
		cmd.Dir = tree
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
		}
	}
	return nil
}

// Process is a running program.
type Process struct {
	Cmd   *exec.Cmd
	Out   *Output       // stdout, unless Cmd had a writer for it
	Err   *Output       // stderr, likewise
	Ended chan struct{} // closed when it has ended, and Out and Err have all that it wrote
}

// Start starts a program.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{Cmd: cmd, Out: new(Output), Err: new(Output), Ended: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.Out
	}
	if cmd.Stderr == nil {
		cmd.Stderr = p.Err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.Ended)
		_ = cmd.Wait() // Code reports how it ended
	}()
	return p, nil
}

// Over reports whether the process has ended.
func (p *Process) Over() bool {
	select {
	case <-p.Ended:
		return true
	default:
		return false
	}
}

// EndsWithin waits for the end, up to this long.
func (p *Process) EndsWithin(patience time.Duration) bool {
	select {
	case <-p.Ended:
		return true
	case <-time.After(patience):
		return false
	}
}

// Code returns the exit code of a process that has ended, -1 if a signal ended it.
func (p *Process) Code() int { return p.Cmd.ProcessState.ExitCode() }

// Signal sends a signal. A process that has ended gets none.
func (p *Process) Signal(sig os.Signal) { _ = p.Cmd.Process.Signal(sig) }

// Suspend sends SIGSTOP and returns when all threads have stopped: one that runs on another processor goes on until the
// signal reaches it, which may take longer than a driver needs to ack. Without /proc it returns at once.
func (p *Process) Suspend() {
	p.Signal(syscall.SIGSTOP)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !suspended(p.Cmd.Process.Pid) {
		select {
		case <-tick.C:
		case <-p.Ended:
			return
		}
	}
}

// suspended reports whether no thread of a process runs.
func suspended(pid int) bool {
	stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid)) // the pattern is right
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err != nil {
			continue // the thread has ended
		}
		if _, state, _ := strings.Cut(string(stat), ") "); !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// Kill is kill -9. It returns when the process has ended.
func (p *Process) Kill() {
	p.Signal(syscall.SIGKILL)
	<-p.Ended
}
