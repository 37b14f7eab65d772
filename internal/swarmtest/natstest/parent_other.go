//go:build !linux

package natstest

import "syscall"

// endsWithParent has no effect: only Linux can end a server when a test process is killed.
func endsWithParent() *syscall.SysProcAttr { return nil }
