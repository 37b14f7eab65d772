package demo

import (
	"io"
	"os"
	"os/exec"
	"syscall"
)

// guard puts a Guard process between the demo and the child, and keeps the console's Ctrl-C from both: the demo ends its
// children itself, the drivers before the server.
func guard(cmd *exec.Cmd) (hold io.Closer, err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	return guardByPipe(cmd)
}

func terminate(p *os.Process) { _ = p.Kill() } // there is no gentler signal

func kill(p *os.Process) { _ = p.Kill() }
