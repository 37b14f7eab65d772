//go:build unix && !linux

package proc

import (
	"os"
	"os/exec"
	"syscall"
)

// bind puts the process into its own group, out of reach of the terminal's Ctrl-C: the driver first brings the load to
// 0.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails if it has ended already

func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // the whole group; as above
