//go:build !linux

package proc

import (
	"context"
	"os/exec"
	"time"
)

// leftoverGrace is for descendants, which can be listed only on Linux.
const leftoverGrace = 0

// job is the process itself.
type job struct {
	cmd *exec.Cmd
	pid int
}

// RunGuardIfRequested does nothing: there is no guard on this system.
func RunGuardIfRequested() {}

func start(argv []string, s Streams) (*job, error) {
	// Without a context: its end would kill the process, but a generator must first be asked to end.
	cmd := exec.CommandContext(context.Background(), argv[0],
		argv[1:]...) //nolint:gosec // the user names the program
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	cmd.WaitDelay = time.Second // a grandchild may hold the pipes
	bind(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &job{cmd: cmd, pid: cmd.Process.Pid}, nil
}

func (j *job) wait() string {
	err := j.cmd.Wait()
	kill(j.cmd.Process) // the rest of its group
	if err == nil {
		return success
	}
	return err.Error()
}

func (j *job) end(time.Duration) { terminate(j.cmd.Process) } // the caller kills it after its patience
func (j *job) kill()             { kill(j.cmd.Process) }
func (j *job) force()            { j.kill() }
