package cmdlog

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// lockPatience is short: a second server must report the conflict within a second.
const lockPatience = 100 * time.Millisecond

// lockDir makes sure that no other process has the log in dir open: two would overwrite each other's entries, and the
// engine does not check. The lock ends with the process, however the process ends.
func lockDir(dir string) (*os.File, error) {
	if err := logfile.MakeDir(dir); err != nil {
		return nil, fmt.Errorf("cannot create the data directory %s (choose another --data-dir, or correct its "+
			"permissions): %w", dir, err)
	}
	path := filepath.Join(dir, logfile.LockName)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot lock the data directory %s (choose another --data-dir, or correct its "+
			"permissions): %w", dir, err)
	}
	err = tryLock(f)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("the data directory %s is in use by another server (%s is locked); stop "+
			"that server, or choose another --data-dir", dir, path), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("cannot lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// tryLock waits briefly, because `swarmcall log` takes the lock for a moment to test whether it is held.
func tryLock(f *os.File) error {
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EWOULDBLOCK) || time.Since(began) > lockPatience {
			return err
		}
	}
}
