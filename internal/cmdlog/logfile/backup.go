package logfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/failpoint"
)

var (
	// ErrNoLog is the error for a directory without a log.
	ErrNoLog = errors.New("there is no log")
	// ErrTarget is the error for a target where no backup can be created.
	ErrTarget = errors.New("cannot make the backup there")
)

// Backup copies the log below dir to a new directory, and returns the result of a scan of the copy. A server may be
// writing to the log at the same time. The copy starts where the log starts, has every record that was acknowledged
// before the call, and ends with a complete record: a torn end is cut off, and named in the report. A log with damage,
// or from a newer program, is not copied: the report says where, and the error is the first damage.
//
// The copy is created next to the target and renamed when it is complete and on disk, so a target is either a complete
// backup or does not exist. The engine's summary of the blocks is left out, because it may be from another moment; the
// engine reads the blocks instead.
func Backup(ctx context.Context, dir, to string) (r *Report, err error) {
	if to, err = freeTarget(dir, to); err != nil {
		return nil, err
	}
	parent := filepath.Dir(to)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp(parent, filepath.Base(to)+".partial-*") // mode 0700
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = withCleanup(err, os.RemoveAll(tmp))
		}
	}()
	if r, err = fillBackup(ctx, dir, tmp); err != nil {
		return r, err
	}
	failpoint.Hit(failpoint.MidBackup)
	return r, nameBackup(tmp, to)
}

// withCleanup returns err unchanged, unless the clean-up failed too.
func withCleanup(err, cleanup error) error {
	if cleanup == nil {
		return err
	}
	return fmt.Errorf("%w; what was copied until then remains: %w", err, cleanup)
}

// freeTarget returns the absolute path of a target that does not exist or is an empty directory. It must be outside the
// data directory: whatever destroys that directory would destroy the backup too.
func freeTarget(dir, to string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if to, err = filepath.Abs(to); err != nil {
		return "", err
	}
	if to == dir || strings.HasPrefix(to, dir+string(filepath.Separator)) {
		return "", fmt.Errorf("%w: %s is inside the data directory %s", ErrTarget, to, dir)
	}
	files, err := os.ReadDir(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return to, nil
	case err != nil:
		return "", fmt.Errorf("%w: %w", ErrTarget, err)
	case len(files) > 0:
		return "", fmt.Errorf("%w: %s exists and is not empty", ErrTarget, to)
	}
	return to, nil
}

// fillBackup copies the log to tmp and checks the copy. The mark is written last: no server opens a directory with
// blocks but without a mark.
func fillBackup(ctx context.Context, dir, tmp string) (*Report, error) {
	mark, err := findMark(dir) // first: every record up to the mark is in the blocks by now
	if err != nil {
		return nil, err
	}
	if err := copyBlocks(ctx, dir, tmp, mark.Position > 0); err != nil {
		return nil, err
	}
	if err := copyMeta(dir, tmp); err != nil {
		return nil, err
	}
	r, err := checkBackup(ctx, tmp, mark)
	if err != nil {
		return r, err
	}
	if t := r.Torn; t != nil {
		if err := cut(filepath.Join(tmp, t.File), t.Offset); err != nil {
			return nil, err
		}
	}
	if err := writeMark(tmp, r.endMark()); err != nil {
		return nil, err
	}
	return r, syncDirs(tmp)
}

// copyBlocks copies each block file at its present length. The list is made once: a block that the server starts later
// is not part of the copy, and the blocks before the last one are no longer written to.
func copyBlocks(ctx context.Context, dir, tmp string, expected bool) error {
	numbers, err := blockNumbers(dir)
	if err != nil {
		return err
	}
	if len(numbers) == 0 && !expected {
		return fmt.Errorf("%w in %s", ErrNoLog, dir)
	}
	if err := os.MkdirAll(filepath.Join(tmp, blockDir), 0o700); err != nil {
		return err
	}
	for _, n := range numbers {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := copyFile(dir, tmp, blockName(n)); err != nil {
			return err
		}
		failpoint.Hit(failpoint.MidBackup)
	}
	return nil
}

// copyMeta copies the engine's description of the stream if it is intact. Without one the next start writes it again.
func copyMeta(dir, tmp string) error {
	if !metaFits(dir) {
		return nil
	}
	for _, name := range []string{metaName, metaSum} {
		if err := copyFile(dir, tmp, name); err != nil {
			return err
		}
	}
	if metaFits(tmp) {
		return nil
	}
	return forget(tmp, metaName, metaSum) // a server that started just now wrote it between the two
}

// copyFile copies the present content of a file to disk.
func copyFile(from, to, name string) (err error) {
	src, err := os.Open(filepath.Join(from, name))
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // only read from
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(filepath.Join(to, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if _, err := io.Copy(dst, io.LimitReader(src, info.Size())); err != nil {
		return err
	}
	return dst.Sync()
}

// checkBackup scans the copy as a server would, with the mark of the log, and checks its outcomes against their
// invariants.
func checkBackup(ctx context.Context, tmp string, mark foundMark) (*Report, error) {
	var promises Invariants
	r, err := scanFrom(ctx, tmp, mark, promises.Take)
	if err != nil {
		return nil, err
	}
	r.Damage = append(r.Damage, promises.Broken(slices.Concat(r.Lost, r.LostNow()))...)
	if newer := r.Newer(); newer != nil {
		return r, newer
	}
	return r, r.Err()
}

// endMark returns the mark of a copy that ends here: it names the last record, so that a later loss of the copy's end
// is detected.
func (r *Report) endMark() Mark {
	m := r.Mark
	m.LogID, m.Epoch = r.LogID, r.Epoch
	for _, head := range r.Heads {
		if head.Position == r.Last {
			m.Position, m.Sum = head.Position, head.Sum
		}
	}
	return m
}

func writeMark(dir string, mark Mark) error {
	f, err := OpenMark(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Update(func(m *Mark) { *m = mark }), f.Close())
}

// syncDirs syncs the names of the files below dir to disk.
func syncDirs(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

// nameBackup renames a complete copy to its target.
func nameBackup(tmp, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) { // it was empty, and is replaced
		return fmt.Errorf("%w: %w", ErrTarget, err)
	}
	if err := os.Rename(tmp, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}
