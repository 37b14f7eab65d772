package logfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Tail brings to disk what the engine has written to the block files: the engine's own writes end in the kernel. It is
// used by one goroutine at a time, the one that appends; only Close may come from another.
type Tail struct {
	dir string

	mu     sync.Mutex
	number int      // of the newest block that is known; 0 for none
	file   *os.File // that block. It stays open, so that the kernel tells it of every page that could not be written
	failed error
}

// OpenTail opens the newest block below dir, and brings the names of all that a start needs to find it to disk.
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

// Sync returns when everything that is in the block files is on disk, under names that a start finds. After an error
// nobody knows what is: the kernel forgets that a page could not be written once it has told so. Every later call fails
// too.
func (t *Tail) Sync() error { return t.once(t.sync) }

// SyncNames is Sync for the names alone.
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

// inPlace makes sure that the open file is the one that the block's name stands for: a sync of any other proves
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
		return fmt.Errorf("%s has been replaced while it was written to", blockName(t.number))
	}
	return nil
}

// advance goes on to the blocks that have been begun since, has sync called for each, and syncs their directory.
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
			_ = t.file.Close() // only synced, and that has been told
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
