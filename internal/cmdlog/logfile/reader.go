package logfile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const (
	signpostEvery = 32       // records between two positions that a Reader remembers, 16 bytes each
	signpostBytes = 64 << 10 // or bytes
	windowBytes   = 16 << 10 // read at a time
	mostFiles     = 32       // kept open
)

// Reader finds single records in the files of a log that the engine has open: the engine would read a whole block file
// into memory for each. It may fail where the engine does not, for example after the engine has rewritten a block; then
// ask the engine. Its methods are safe for concurrent use.
type Reader struct {
	dir string

	mu    sync.Mutex
	posts []signpost // in order of position
	tail  signpost   // where the next record will lie
	since int        // records since the last signpost
	files map[uint32]*os.File
}

// signpost records that the frame of pos begins at this offset of a block.
type signpost struct {
	pos           uint64
	block, offset uint32
}

// NewReader returns a reader of the log below dir. A scan must pass its records to Note.
func NewReader(dir string) *Reader {
	return &Reader{dir: dir, tail: signpost{pos: 1, block: 1}, files: map[uint32]*os.File{}}
}

// Note records where a scan found a record. Positions increase.
func (r *Reader) Note(s Stored) { r.note(s.Position, s.Block, uint32(s.Offset), s.Bytes) }

func (r *Reader) note(pos uint64, block, offset uint32, size int) {
	if r.since++; r.since >= signpostEvery || len(r.posts) == 0 || r.tail.block != block ||
		offset-r.posts[len(r.posts)-1].offset >= signpostBytes {
		r.posts = append(r.posts, signpost{pos, block, offset})
		r.since = 0
	}
	r.tail = signpost{pos + 1, block, offset + uint32(size)}
}

// Read returns the stored bytes of the record at pos, after checking the engine's checksum.
func (r *Reader) Read(pos uint64) ([]byte, error) {
	post, err := r.find(pos)
	if err != nil {
		return nil, err
	}
	f, err := r.file(post.block)
	if err != nil {
		return nil, err
	}
	w := window{file: f, at: int64(post.offset)}
	for {
		at, size, err := w.frame()
		if err != nil {
			return nil, fmt.Errorf("position %d is not found after byte %d of block %d: %w", pos, post.offset,
				post.block, err)
		}
		switch {
		case at < pos:
			w.at += int64(size)
		case at > pos:
			return nil, fmt.Errorf("position %d is not in block %d", pos, post.block)
		default:
			return r.payload(&w, post.block, size)
		}
	}
}

func (r *Reader) payload(w *window, number uint32, size int) ([]byte, error) {
	data, err := w.bytes(size)
	if err != nil {
		return nil, err
	}
	b, err := newBlock(int(number), data[:size])
	if err != nil {
		return nil, err
	}
	f, what := b.frame(0)
	if what != "" || f.gone {
		return nil, &DamagedError{File: blockName(int(number)), Offset: w.at, What: what}
	}
	return f.payload, nil
}

// find returns the last signpost at or before pos, and reads on in the files if the record is newer than the last one
// noted.
func (r *Reader) find(pos uint64) (signpost, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pos >= r.tail.pos {
		if err := r.catchUp(pos); err != nil {
			return signpost{}, err
		}
	}
	i, exact := slices.BinarySearchFunc(r.posts, pos, func(p signpost, pos uint64) int {
		switch {
		case p.pos < pos:
			return -1
		case p.pos > pos:
			return 1
		}
		return 0
	})
	if !exact {
		i--
	}
	if i < 0 {
		return signpost{}, fmt.Errorf("position %d is before the start of the log", pos)
	}
	return r.posts[i], nil
}

// EndsAt reports whether the files end with the record at pos. It is false if they cannot be read.
func (r *Reader) EndsAt(pos uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.catchUp(pos); err != nil {
		return false
	}
	f, err := r.open(r.tail.block)
	if err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Size() != int64(r.tail.offset) || r.tail.pos != pos+1 {
		return false
	}
	next, err := os.Stat(filepath.Join(r.dir, blockName(int(r.tail.block)+1)))
	return errors.Is(err, fs.ErrNotExist) || err == nil && next.Size() == 0
}

// RewriteFrom writes the files again, byte for byte, from about the record at pos, and syncs them. It is for records
// that were never acknowledged but that a start keeps: the previous process may have been killed before its sync, or
// its sync may have failed. In that case the kernel has them in memory, considers them written, and would not write
// them again.
func (r *Reader) RewriteFrom(pos uint64) error {
	post, err := r.find(max(pos, 1))
	if err != nil {
		return err
	}
	for number, offset := int(post.block), int64(post.offset); ; number, offset = number+1, 0 {
		err := rewrite(filepath.Join(r.dir, blockName(number)), offset)
		if errors.Is(err, fs.ErrNotExist) && number > int(post.block) {
			return syncDir(filepath.Join(r.dir, blockDir))
		}
		if err != nil {
			return err
		}
	}
}

func rewrite(path string, from int64) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	b, err := io.ReadAll(io.NewSectionReader(f, from, math.MaxInt64-from))
	if err == nil {
		_, err = f.WriteAt(b, from)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

// catchUp reads the frames that were written since, up to pos.
func (r *Reader) catchUp(pos uint64) error {
	for r.tail.pos <= pos {
		f, err := r.open(r.tail.block)
		if err != nil {
			return err
		}
		w := window{file: f, at: int64(r.tail.offset)}
		for r.tail.pos <= pos {
			at, size, err := w.frame()
			if errors.Is(err, io.EOF) {
				r.tail.block, r.tail.offset = r.tail.block+1, 0
				break
			}
			if err != nil {
				return err
			}
			block := r.tail.block
			if w.at == 0 {
				r.since = signpostEvery // a block begins with a signpost
			}
			r.note(at, block, uint32(w.at), size)
			w.at += int64(size)
		}
	}
	return nil
}

func (r *Reader) file(number uint32) (*os.File, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open(number)
}

// open returns a block's file. Files that other goroutines are reading are never closed here: a finalizer closes them
// when they are no longer used.
func (r *Reader) open(number uint32) (*os.File, error) {
	if f, ok := r.files[number]; ok {
		return f, nil
	}
	f, err := os.Open(filepath.Join(r.dir, blockName(int(number))))
	if err != nil {
		return nil, err
	}
	if len(r.files) >= mostFiles {
		clear(r.files)
	}
	r.files[number] = f
	return f, nil
}

// Close closes the files.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var err error
	for _, f := range r.files {
		err = errors.Join(err, f.Close())
	}
	clear(r.files)
	return err
}

// window reads a file in sections.
type window struct {
	file *os.File
	at   int64 // where to look
	buf  []byte
	from int64 // where buf begins in the file
}

// frame returns the position and size of the frame at w.at; io.EOF if the file ends there.
func (w *window) frame() (pos uint64, size int, err error) {
	b, err := w.bytes(frameHeader)
	if err != nil {
		return 0, 0, err
	}
	le := binary.LittleEndian
	size = int(le.Uint32(b) &^ hasHeaders)
	if size < frameHeader+frameSum || size > frameMost {
		return 0, 0, errors.New("no record begins there")
	}
	return le.Uint64(b[4:]) &^ (erased | tombstone), size, nil
}

// bytes returns at least n bytes starting at w.at.
func (w *window) bytes(n int) ([]byte, error) {
	if skip := w.at - w.from; skip >= 0 && skip+int64(n) <= int64(len(w.buf)) {
		return w.buf[skip:], nil
	}
	buf := make([]byte, max(n, windowBytes))
	got, err := w.file.ReadAt(buf, w.at)
	w.buf, w.from = buf[:got], w.at
	if got >= n {
		return w.buf, nil
	}
	if got > 0 && errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return nil, err
}
