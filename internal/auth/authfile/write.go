package authfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Edit changes a file by a function of its text, which is empty if there is no file yet. The file is replaced at once,
// so that a server never reads half of it; mode and owner stay. A link stays one: its target is replaced.
func Edit(path string, change func(text []byte) ([]byte, error)) error {
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	old, err := readText(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	text, err := change(old)
	if err != nil {
		return err
	}
	if _, err := Parse(text); err != nil {
		return err
	}
	return replace(path, old, text)
}

// replace writes a temporary file in the same directory and renames it.
func replace(path string, old, text []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".auth-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = tmp.Write(text)
	if err == nil {
		err = likeOld(tmp, path)
	}
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = unchanged(path, old)
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(filepath.Dir(path))
}

// likeOld gives the new file the mode and the owner of the old one. Only root may change the owner, so a failure of
// that is no error.
func likeOld(tmp *os.File, path string) error {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	keepOwner(tmp, info)
	return tmp.Chmod(info.Mode().Perm())
}

// unchanged refuses to overwrite what somebody else has written since the file was read.
func unchanged(path string, old []byte) error {
	now, err := readText(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if !bytes.Equal(now, old) {
		return fmt.Errorf("%s was changed by another program at the same time; try again", path)
	}
	return nil
}
