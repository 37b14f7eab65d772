//go:build unix

package check

import (
	"os"
	"os/exec"
	"syscall"
)

// group gives the process a group of its own: a command may be a wrapper that does not pass signals on.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func ask(p *os.Process)  { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) } // it may have ended already
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
