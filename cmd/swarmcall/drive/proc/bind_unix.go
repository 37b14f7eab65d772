//go:build unix && !linux

package proc

import (
	"os/exec"
	"syscall"
)

// bind gives the process a group of its own, as on Linux; there is nothing here that ends it with its parent.
func bind(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
