package logfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Repair makes the repairs that lose no acknowledged record. It cuts off a torn end, and removes files of the engine
// that the engine would not recognize or would read wrongly; the engine writes them again. Call it with the directory
// locked and no damage in the report.
func (r *Report) Repair(dir string) error {
	err := dropBatches(dir)
	if r.Torn != nil {
		err = errors.Join(err, cut(filepath.Join(dir, r.Torn.File), r.Torn.Offset), forget(dir, indexName))
	}
	if !r.meta {
		err = errors.Join(err, forget(dir, metaName, metaSum))
	}
	return errors.Join(err, dropIndex(dir))
}

// dropIndex removes the engine's summary of the blocks unless it ends with the log's last record. The engine would
// ignore such a summary too, with one exception: if it has more records than the blocks, as after a power cut, the
// engine takes the position of the last record from it.
func dropIndex(dir string) error {
	fits, err := indexFits(dir)
	if err != nil || fits {
		return err
	}
	return forget(dir, indexName)
}

// indexFits compares the checksum of the last record in the summary, which precedes the summary's own, with the end of
// the last block.
func indexFits(dir string) (bool, error) {
	numbers, err := blockNumbers(dir)
	if err != nil || len(numbers) == 0 {
		return false, err
	}
	index, err := ending(filepath.Join(dir, indexName), 2*frameSum)
	if err != nil {
		return false, ignoreAbsent(err)
	}
	last, err := ending(filepath.Join(dir, blockName(numbers[len(numbers)-1])), frameSum)
	return err == nil && len(index) == 2*frameSum && bytes.Equal(index[:frameSum], last), err
}

// ending returns the last n bytes of a file, or all of a shorter one.
func ending(path string, n int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, max(0, info.Size()-n), n))
}

func ignoreAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// dropBatches removes the rest of a batch that a crash interrupted. The engine would store it at its start, after the
// records of the scan. The batch was never acknowledged, so each of its records may exist or not.
func dropBatches(dir string) error { return os.RemoveAll(filepath.Join(dir, batchDir)) }

func cut(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

func forget(dir string, names ...string) error {
	for _, name := range names {
		if err := ignoreAbsent(os.Remove(filepath.Join(dir, name))); err != nil {
			return err
		}
	}
	return nil
}

// Salvage rewrites a damaged log so that the engine opens it without cutting off more. It keeps the intact records of
// each damaged block, byte by byte and at their positions. The lost positions become holes, up to the last one that was
// acknowledged, so that none is used a second time. It first copies changed files to dir/LostDir. Call it with the
// directory locked. The loss must then be accepted by a reset record that names LostNow.
func (r *Report) Salvage(dir string) error {
	kept := filepath.Join(dir, r.LostDir())
	if err := os.MkdirAll(kept, 0o700); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, blockDir), 0o700); err != nil {
		return err
	}
	plans, err := r.plans(dir)
	if err != nil {
		return err
	}
	for _, p := range plans {
		if err := p.carryOut(dir, kept); err != nil {
			return err
		}
	}
	if err := dropBatches(dir); err != nil {
		return err
	}
	names := []string{indexName}
	if !r.meta {
		names = append(names, metaName, metaSum)
	}
	return errors.Join(forget(dir, names...), syncDir(filepath.Join(dir, blockDir)), syncDir(kept), syncDir(dir))
}

// LostDir is where Salvage copies what it changes, below the data directory.
func (r *Report) LostDir() string { return fmt.Sprintf("lost-epoch-%d", r.Epoch+1) }

// plan says what happens to a block.
type plan struct {
	number int
	whole  bool     // all of it stays
	keep   []extent // else its intact records
	hole   uint64   // position to mark as absent after them; 0 for none
}

// extent is the place of an intact record in its file.
type extent struct{ offset, size int }

// plans returns a plan for each block with damage. If the end of the log is lost, the last block also gets a hole.
func (r *Report) plans(dir string) ([]plan, error) {
	plans := slices.Clone(r.rewrite)
	end := r.Mark.Position
	for _, s := range r.LostNow() {
		end = max(end, s.To)
	}
	if end <= r.Last {
		return plans, nil
	}
	numbers, err := blockNumbers(dir)
	if err != nil {
		return nil, err
	}
	last := 1
	if len(numbers) > 0 {
		last = numbers[len(numbers)-1]
	}
	if n := len(plans); n == 0 || plans[n-1].number != last {
		plans = append(plans, plan{number: last, whole: true})
	}
	plans[len(plans)-1].hole = end
	return plans, nil
}

func (p plan) carryOut(dir, kept string) error {
	path := filepath.Join(dir, blockName(p.number))
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil {
		if err := keep(filepath.Join(kept, filepath.Base(path)), old); err != nil {
			return err
		}
	}
	b, err := newBlock(p.number, old)
	if err != nil {
		return err
	}
	data := b.pick(p)
	if len(data) == 0 {
		return os.Remove(path) // the engine does not keep empty blocks either
	}
	return writeFile(path, data)
}

// keep copies a damaged file, unless an interrupted salvage has done so already: the file may have been changed since.
func keep(path string, data []byte) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return writeFile(path, data)
}

// pick returns the part of the block that the plan keeps.
func (b *block) pick(p plan) []byte {
	var data []byte
	if p.whole {
		data = slices.Clone(b.data)
	}
	for _, e := range p.keep {
		data = append(data, b.data[e.offset:e.offset+e.size]...)
	}
	if p.hole != 0 {
		data = append(data, b.absentFrame(p.hole, time.Now())...)
	}
	return data
}

// writeFile replaces a file atomically; the file is on disk when writeFile returns.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
