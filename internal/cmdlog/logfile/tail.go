package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Tail syncs to disk what the engine has written to the block files: the engine's own writes only reach the kernel. One
// goroutine at a time uses it, the one that appends; only Close may be called from another.
type Tail struct {
	dir string

	mu     sync.Mutex
	number int      // of the newest block that is known; 0 for none
	file   *os.File // that block. It stays open, so that the kernel reports every page that could not be written
	failed error
}

// OpenTail opens the newest block below dir, and syncs the names of everything that a start needs to find it.
func OpenTail(dir string) (*Tail, error) {
	t := &Tail{dir: dir}
	numbers, err := blockNumbers(dir)
	if err != nil {
		return nil, err
	}
	if len(numbers) > 0 {
		t.number = numbers[len(numbers)-1]
		if t.file, err = os.Open(t.path(t.number)); err != nil {
			return nil, err
		}
	}
	if err := syncPath(dir); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// syncPath syncs the directories from the one that holds the blocks up to dir, and the description of the stream.
func syncPath(dir string) error {
	for _, name := range []string{metaName, metaSum} {
		if err := syncFile(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	for at := blockDir; ; at = filepath.Dir(at) {
		if err := syncDir(filepath.Join(dir, at)); err != nil || at == "." {
			return err
		}
	}
}

// Sync returns when everything in the block files is on disk, under names that a start finds. After an error it is
// unknown what is on disk: the kernel reports a page that could not be written only once. Every later call fails too.
func (t *Tail) Sync() error { return t.once(t.sync) }

// SyncNames is like Sync, but syncs the names only.
func (t *Tail) SyncNames() error {
	return t.once(func() error { return t.advance(func(*os.File) error { return nil }) })
}

func (t *Tail) once(do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed == nil {
		t.failed = do()
	}
	return t.failed
}

func (t *Tail) sync() error {
	if t.file != nil {
		if err := t.inPlace(); err != nil {
			return err
		}
		if err := t.file.Sync(); err != nil {
			return err
		}
	}
	return t.advance((*os.File).Sync)
}

// inPlace makes sure that the open file is the one that the block's name refers to: a sync of any other file proves
// nothing.
func (t *Tail) inPlace() error {
	named, err := os.Stat(t.path(t.number))
	if err != nil {
		return err
	}
	open, err := t.file.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(named, open) {
		return fmt.Errorf("%s was replaced while it was being written", blockName(t.number))
	}
	return nil
}

// advance moves on to blocks that have been started since, calls sync for each, and syncs their directory.
func (t *Tail) advance(sync func(*os.File) error) error {
	from := t.number
	for {
		next, err := os.Open(t.path(t.number + 1))
		if errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err != nil {
			return err
		}
		if t.file != nil {
			_ = t.file.Close() // only synced, and that was reported
		}
		t.number, t.file = t.number+1, next
		if err := sync(next); err != nil {
			return err
		}
	}
	if t.number == from {
		return nil
	}
	return syncDir(filepath.Join(t.dir, blockDir))
}

func (t *Tail) path(number int) string { return filepath.Join(t.dir, blockName(number)) }

// Close closes the file.
func (t *Tail) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.file == nil {
		return nil
	}
	return t.file.Close()
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
