package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Name is the name of the current file in the data directory. Older ones are audit-0000000001.ndjson and so on.
const Name = "audit.ndjson"

func oldName(gen uint64) string { return fmt.Sprintf("audit-%010d.ndjson", gen) }

// generations returns the older files of a directory, ascending.
func generations(dir string) (list []uint64, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		digits, ok := strings.CutPrefix(strings.TrimSuffix(e.Name(), ".ndjson"), "audit-")
		gen, err := strconv.ParseUint(digits, 10, 62)
		if ok && err == nil && gen > 0 && e.Name() == oldName(gen) {
			list = append(list, gen)
		}
	}
	slices.Sort(list)
	return list, err
}

// disk is what the writer needs of the operating system.
type disk struct {
	// open opens a file for appending. Its size is the end of its last whole line.
	open   func(path string) (f io.WriteCloser, size int64, err error)
	rename func(from, to string) error
}

var osDisk = disk{open: openForAppending, rename: os.Rename}

func openForAppending(path string) (io.WriteCloser, int64, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, 0, err
	}
	size, err := prepare(f)
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("%s: %w", path, err), f.Close())
	}
	return f, size, nil
}

// prepare makes a file readable by its owner only, and cuts off what a crash has left of a line.
func prepare(f *os.File) (size int64, err error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return 0, err
	case !info.Mode().IsRegular():
		return 0, errors.New("it is not a regular file; move it away")
	case info.Mode().Perm() != 0o600:
		if err := f.Chmod(0o600); err != nil {
			return 0, err
		}
	}
	if size, err = lastLineEnd(f, info.Size()); err != nil || size == info.Size() {
		return size, err
	}
	return size, f.Truncate(size)
}

// lastLineEnd returns where the last whole line of a file ends.
func lastLineEnd(r io.ReaderAt, size int64) (int64, error) {
	buf := make([]byte, block)
	for size > 0 {
		part := buf[:min(size, block)]
		if _, err := r.ReadAt(part, size-int64(len(part))); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return size - int64(len(part)) + int64(i) + 1, nil
		}
		size -= int64(len(part))
	}
	return 0, nil
}
