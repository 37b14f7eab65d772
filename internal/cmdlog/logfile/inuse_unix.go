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
	f, err := os.Open(filepath.Join(dir, LockName))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }() // also releases the lock
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return true, nil
	}
	return false, err
}
