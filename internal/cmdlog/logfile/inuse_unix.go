//go:build unix

package logfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// InUse reports whether a server uses the directory now. It takes the lock for an instant; a starting server waits for
// that.
func InUse(dir string) (bool, error) {
	release, free, err := Hold(dir)
	if free {
		release()
	}
	return err == nil && !free, err
}

// Hold keeps servers from using the directory until release is called, or this process ends. free is false if a server
// uses it now. A directory without a lock file cannot be held; it is free.
func Hold(dir string) (release func(), free bool, err error) {
	f, err := os.Open(filepath.Join(dir, LockName))
	if errors.Is(err, fs.ErrNotExist) {
		return func() {}, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if err == nil {
		return func() { _ = f.Close() }, true, nil // also releases the lock
	}
	_ = f.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, false, nil
	}
	return nil, false, err
}
