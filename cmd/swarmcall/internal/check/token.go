package check

import (
	"errors"
	"os"
	"path/filepath"
)

// tokenFile is the token file of a driver that the check starts.
type tokenFile struct{ path string }

// newTokenFile writes a token to a file in a directory of its own, which only this user can read.
func newTokenFile(token string) (tokenFile, error) {
	dir, err := os.MkdirTemp("", "swarmcall-check-")
	if err != nil {
		return tokenFile{}, err
	}
	f := tokenFile{filepath.Join(dir, "token")}
	if err := f.write(token); err != nil {
		f.remove()
		return tokenFile{}, err
	}
	return f, nil
}

// write replaces the content at once: the driver may read it at any time.
func (f tokenFile) write(token string) error {
	next := f.path + ".next"
	if err := os.WriteFile(next, []byte(token), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, f.path); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}

func (f tokenFile) remove() { _ = os.RemoveAll(filepath.Dir(f.path)) } // a temporary directory: nothing depends on it
