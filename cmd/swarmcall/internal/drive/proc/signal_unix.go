//go:build unix && !linux

package proc

import (
	"os"
	"os/exec"
	"syscall"
)

// bind gives the process a group of its own, which keeps the terminal's Ctrl-C from it: the driver first brings the
// load to 0.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended, as is wanted

func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // the whole group; as above
