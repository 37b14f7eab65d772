//go:build unix

package proc

import (
	"os"
	"syscall"
)

func terminate(p *os.Process) { _ = p.Signal(syscall.SIGTERM) } // fails when it has ended, as is wanted

func kill(p *os.Process) { _ = syscall.Kill(-p.Pid, syscall.SIGKILL) } // the whole group; as above
