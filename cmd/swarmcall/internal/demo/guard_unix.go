//go:build unix

package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps the terminal's Ctrl-C from a guard and its process: the demo ends its children itself, the drivers
// before the server.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended already

// the guard and what it guards are one process group
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
