package proc

import (
	"os/exec"
	"syscall"
)

// bind has the kernel kill the process with its parent. A group of its own keeps the terminal's Ctrl-C from it, which the driver
// handles: first the load goes to 0.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
