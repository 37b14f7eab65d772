//go:build unix && !linux

package demo

import (
	"io"
	"os"
	"os/exec"
	"syscall"
)

// guard puts a Guard process between the demo and the child, and keeps the terminal's Ctrl-C from both: the demo ends its
// children itself, the drivers before the server.
func guard(cmd *exec.Cmd) (hold io.Closer, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return guardByPipe(cmd)
}

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended already

func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // the guard and what it guards are one process group
