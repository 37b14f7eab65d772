//go:build unix

package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// detach protects a guard and its process from the terminal's Ctrl-C, because the demo ends its children itself, the
// drivers before the server.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended already

// kill kills the guard and its process, which are one process group.
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
