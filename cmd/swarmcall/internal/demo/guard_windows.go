package demo

import (
	"os"
	"os/exec"
	"syscall"
)

// detach protects a guard and its process from the console's Ctrl-C, because the demo ends its children itself, the
// drivers before the server.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

func terminate(p *os.Process) { _ = p.Kill() } // there is no gentler signal

func kill(p *os.Process) { _ = p.Kill() }
