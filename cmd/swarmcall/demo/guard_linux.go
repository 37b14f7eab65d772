package demo

import (
	"io"
	"os"
	"os/exec"
	"syscall"
)

// guard has the kernel kill the child when the demo dies, and keeps the terminal's Ctrl-C from it: the demo ends its children
// itself, the drivers before the server.
func guard(cmd *exec.Cmd) (hold io.Closer, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	return nil, nil
}

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended already

func kill(p *os.Process) { _ = p.Kill() } // as terminate
