package audit

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// files are the file that is written, and the older ones. A file is known by its generation, which rises with each
// new file, so that a rename changes no cursor.
type files struct {
	dir  string
	max  int64 // bytes of a file
	keep int   // older files
	disk disk

	current io.WriteCloser // of the writer: nil after an error; opening it again cuts off a part of a line

	mu   sync.Mutex // readers hold it while they open a file, so that it is not renamed meanwhile
	gen  uint64     // of the current file
	old  []uint64   // generations of the older files, ascending
	size int64      // of the lines in the current file
}

func openFiles(cfg Config, d disk) (*files, error) {
	f := &files{dir: cfg.Dir, max: cfg.MaxBytes, keep: cfg.Keep, disk: d, gen: 1}
	var err error
	if f.old, err = generations(cfg.Dir); err != nil {
		return nil, err
	}
	if n := len(f.old); n > 0 {
		f.gen = f.old[n-1] + 1
	}
	return f, errors.Join(f.reopen(), f.trim(f.keep))
}

// append writes lines and returns how many of them are whole in a file. An error is about the first of the others.
func (f *files) append(lines [][]byte) (done int, err error) {
	for done < len(lines) && err == nil {
		if err = f.ready(int64(len(lines[done]))); err == nil {
			var n int
			n, err = f.write(lines[done : done+f.fitting(lines[done:])])
			done += n
		}
	}
	return done, err
}

// ready makes the current file one that takes a line of some bytes.
func (f *files) ready(next int64) error {
	if f.current == nil {
		if err := f.reopen(); err != nil {
			return err
		}
	}
	if f.size == 0 || f.size+next <= f.max {
		return nil
	}
	if err := f.rotate(); err != nil {
		return err
	}
	return f.reopen()
}

// fitting returns how many lines fit into the current file; the first does.
func (f *files) fitting(lines [][]byte) int {
	size := f.size
	for i, l := range lines {
		if size += int64(len(l)); i > 0 && size > f.max {
			return i
		}
	}
	return len(lines)
}

func (f *files) write(lines [][]byte) (whole int, err error) {
	n, err := f.current.Write(bytes.Join(lines, nil))
	size := 0
	for whole < len(lines) && size+len(lines[whole]) <= n {
		size += len(lines[whole])
		whole++
	}
	f.mu.Lock()
	f.size += int64(size)
	f.mu.Unlock()
	if err != nil {
		err = errors.Join(err, f.close())
	}
	return whole, err
}

// rotate ends the current file. The oldest one goes first: if it cannot be deleted, no further file may be made.
func (f *files) rotate() error {
	if err := f.close(); err != nil {
		return err
	}
	if err := f.trim(f.keep - 1); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.disk.rename(f.path(f.gen), filepath.Join(f.dir, oldName(f.gen)))
	switch {
	case err == nil:
		f.old = append(f.old, f.gen)
	case !errors.Is(err, fs.ErrNotExist): // somebody has deleted the file that was written: a new one follows
		return err
	}
	f.gen, f.size = f.gen+1, 0
	return nil
}

// reopen opens the current file, or makes it.
func (f *files) reopen() error {
	current, size, err := f.disk.open(filepath.Join(f.dir, Name))
	if err != nil {
		return err
	}
	f.current = current
	f.mu.Lock()
	f.size = size
	f.mu.Unlock()
	return nil
}

// trim deletes the oldest files until only some are left.
func (f *files) trim(keep int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.old) > keep {
		if err := os.Remove(f.path(f.old[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		f.old = f.old[1:]
	}
	return nil
}

// path returns where the file of a generation is. The caller holds the lock.
func (f *files) path(gen uint64) string {
	if gen == f.gen {
		return filepath.Join(f.dir, Name)
	}
	return filepath.Join(f.dir, oldName(gen))
}

// newestFirst returns the generations of all files.
func (f *files) newestFirst() []uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := append(slices.Clone(f.old), f.gen)
	slices.Reverse(all)
	return all
}

// reader opens the file of a generation, of which the first size bytes are whole lines.
func (f *files) reader(gen uint64) (r *os.File, size int64, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r, err = os.Open(f.path(gen)); err != nil {
		return nil, 0, err
	}
	info, err := r.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, r.Close())
	}
	if size = info.Size(); gen == f.gen {
		size = min(size, f.size)
	}
	return r, size, nil
}

func (f *files) close() error {
	if f.current == nil {
		return nil
	}
	err := f.current.Close()
	f.current = nil
	return err
}
