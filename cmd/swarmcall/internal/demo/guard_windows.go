package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// detach keeps the console's Ctrl-C from a guard and its process: the demo ends its children itself, the drivers
// before the server.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func terminate(p *os.Process) { _ = p.Kill() } // there is no gentler signal

func kill(p *os.Process) { _ = p.Kill() }
