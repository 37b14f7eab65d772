package audit

import (
	"bytes"
	"io"
)

const (
	block   = 16 << 10 // bytes that are read at a time, about 50 events
	maxLine = 64 << 10 // bytes of a line; clean leaves no more than 8 KiB, so a longer one is none of ours
)

// backwards returns the lines of a file, the last one first.
type backwards struct {
	r   io.ReaderAt
	pos int64  // where buf begins in the file
	buf []byte // what was read and not yet returned, up to the end of a line
}

// next returns a line without its newline, and where it begins. A line that is too long is nil. After the first line of
// the file it returns io.EOF.
func (b *backwards) next() (line []byte, start int64, err error) {
	long := false
	for {
		text := bytes.TrimSuffix(b.buf, []byte{'\n'})
		if long {
			text = b.buf
		}
		if i := bytes.LastIndexByte(text, '\n'); i >= 0 || b.pos == 0 {
			if len(b.buf) == 0 && !long {
				return nil, 0, io.EOF
			}
			line, start, b.buf = text[i+1:], b.pos+int64(i)+1, b.buf[:i+1]
			if long || len(line) > maxLine {
				line = nil
			}
			return line, start, nil
		}
		if len(b.buf) > maxLine {
			long, b.buf = true, nil
		}
		if err := b.read(); err != nil {
			return nil, 0, err
		}
	}
}

// read puts the block before buf into it.
func (b *backwards) read() error {
	n := min(b.pos, block)
	buf := make([]byte, n, int(n)+len(b.buf))
	if _, err := b.r.ReadAt(buf, b.pos-n); err != nil {
		return err
	}
	b.pos, b.buf = b.pos-n, append(buf, b.buf...)
	return nil
}
