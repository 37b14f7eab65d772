package natstest

import "syscall"

// endsWithParent lets a server die with the test process, also when that is killed and cannot clean up.
func endsWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
