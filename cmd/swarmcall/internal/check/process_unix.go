//go:build unix

package check

import (
	"os"
	"os/exec"
	"syscall"
)

// group puts the command into its own process group: it may be a wrapper that does not forward signals.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func ask(p *os.Process)  { _ = syscall.Kill(-p.Pid, syscall.SIGTERM) } // it may have ended already
func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) }
