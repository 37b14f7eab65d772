package logfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Scan reads the complete log below the data directory in one pass, checks every byte of it, and changes nothing. It
// calls visit for each intact record, in order, also after damage. Damage is in the report; the error is a read error,
// or that of ctx.
//
// A server may be writing at the same time: the mark is read first, so that every record up to the mark is found.
func Scan(ctx context.Context, dir string, visit func(Stored)) (*Report, error) {
	mark, err := findMark(dir)
	if err != nil {
		return nil, err
	}
	return scanFrom(ctx, dir, mark, visit)
}

// scanFrom is Scan with a mark that was read before.
func scanFrom(ctx context.Context, dir string, mark foundMark, visit func(Stored)) (*Report, error) {
	codec, err := NewCodec()
	if err != nil {
		return nil, err
	}
	defer codec.Close()
	s := &scanner{
		Report: &Report{Heads: Heads{}, Mark: mark.Mark, LogID: mark.LogID, Epoch: mark.Epoch, Notes: mark.notes},
		codec:  codec, visit: visit,
	}
	numbers, err := blockNumbers(dir)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := s.block(dir, n); err != nil {
			return nil, err
		}
	}
	s.end(mark.none)
	s.accept()
	if s.meta = metaFits(dir); !s.meta && s.Blocks > 0 {
		s.Notes = append(s.Notes, "the engine's description of the stream ("+metaName+") is damaged or missing; it "+
			"holds no records and is written again")
	}
	return s.Report, nil
}

type scanner struct {
	*Report
	codec *Codec
	visit func(Stored)

	buf    []byte
	file   string // being read, below the data directory
	number int    // of it

	bad    *DamagedError // unreadable bytes since the last intact record
	badTo  int64         // where they end
	badMet int           // number of separate places with such bytes
	gapAt  uint64        // the newest position that is known to be absent

	keep  []extent // intact records of the file
	dirty bool     // the file has bytes that are not an intact record
}

// foundMark is the content of the mark file.
type foundMark struct {
	Mark
	notes []string // harmless faults of the file
	none  string   // why there is no mark, or ""
}

func findMark(dir string) (m foundMark, err error) {
	m.Mark, _, m.notes, err = readMark(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		m.none, err = "the mark file is missing, so it is unknown whether the log's end is there", nil
	case errors.Is(err, errNoMark):
		m.none, err = "neither slot of the mark file can be read, so it is unknown whether the log's end is there", nil
	}
	return m, err
}

func (s *scanner) block(dir string, number int) error {
	s.file, s.number = blockName(number), number
	if err := s.read(filepath.Join(dir, s.file)); err != nil {
		return err
	}
	b, err := newBlock(number, s.buf)
	if err != nil {
		return err
	}
	s.keep, s.dirty = s.keep[:0], false
	for at := 0; at < len(b.data); {
		f, what := b.frame(at)
		if what == "" {
			s.frame(f)
			at += f.size
			continue
		}
		next := b.next(at)
		s.unreadable(at, next, what)
		at = next
	}
	s.Blocks++
	if s.dirty {
		s.rewrite = append(s.rewrite, plan{number: number, keep: slices.Clone(s.keep)})
	}
	return nil
}

// read fills the buffer with the complete file; blocks are at most a few megabytes over their limit of 8 MiB.
func (s *scanner) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if int64(cap(s.buf)) < info.Size() {
		s.buf = make([]byte, info.Size())
	}
	n, err := io.ReadFull(f, s.buf[:info.Size()])
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		err = nil // it was cut in the meantime
	}
	s.buf = s.buf[:n]
	return err
}

func (s *scanner) unreadable(from, to int, what string) {
	s.dirty = true
	s.badMet++
	s.badTo = int64(to)
	if s.bad == nil {
		s.bad = &DamagedError{File: s.file, Offset: int64(from), What: what}
	}
}

// frame handles the next complete frame.
func (s *scanner) frame(f frame) {
	switch {
	case f.pos <= s.Last:
		s.dirty = true
		s.damage(DamagedError{
			Position: f.pos, To: f.pos, File: s.file, Offset: int64(f.offset),
			What: "it is out of order here, or a duplicate", lossless: true,
		})
		return
	case f.gone:
		s.gap(s.Last+1, f)
		s.gapAt = f.pos
	case f.pos > s.Last+1:
		s.gap(s.Last+1, f)
		s.gapAt = f.pos - 1
	case s.bad != nil:
		s.bad.Position, s.bad.To, s.bad.lossless = f.pos, f.pos, true
		s.bad.What = "the bytes before it are not a record"
		s.damage(*s.bad)
	}
	s.bad, s.badMet = nil, 0
	s.Last = f.pos
	if f.gone || s.record(f) {
		s.keep = append(s.keep, extent{f.offset, f.size})
	}
}

// gap records that the positions from first up to f are absent.
func (s *scanner) gap(first uint64, f frame) {
	d := DamagedError{File: s.file, Offset: int64(f.offset), What: "it is missing", absentOnly: true}
	if s.bad != nil {
		d = *s.bad
	}
	d.Position, d.To = first, f.pos-1
	if f.gone {
		d.To = f.pos
	}
	s.damage(d)
}

// record handles a record, and reports whether it is intact and in its place.
func (s *scanner) record(f frame) bool {
	place := DamagedError{Position: f.pos, To: f.pos, File: s.file, Offset: int64(f.offset)}
	lose := func(what string) bool {
		s.dirty, s.gapAt = true, f.pos
		place.What = what
		s.damage(place)
		return false
	}
	r, prev, own, err := s.codec.Decode(f.pos, f.payload)
	if err != nil {
		damaged, _ := errors.AsType[*DamagedError](err)
		place.Newer = damaged.Newer
		return lose(damaged.What)
	}
	writer := Writer(r)
	head := s.Heads[writer]
	s.Heads[writer] = Head{f.pos, own}
	if prev != head.Sum && s.gapAt <= head.Position {
		return lose("it does not follow the record before it")
	}
	if f.pos == s.Mark.Position && own != s.Mark.Sum {
		return lose("it is not the record that was acknowledged")
	}
	if reset, ok := r.(*swarm.Reset); ok && reset.LogID != "" {
		s.LogID, s.Epoch = reset.LogID, max(s.Epoch, reset.Epoch) // the mark knows epochs whose record is lost
		s.Lost = append(s.Lost, reset.Lost...)
	}
	s.Records++
	s.Bytes += int64(f.size)
	if s.visit != nil {
		s.visit(Stored{
			Position: f.pos, Record: r, At: f.at, Bytes: f.size, Block: uint32(s.number), File: s.file,
			Offset: int64(f.offset), Data: f.payload,
		})
	}
	return true
}

func (s *scanner) damage(d DamagedError) { s.Damage = append(s.Damage, &d) }

// end checks the end of the log.
func (s *scanner) end(noMark string) {
	acknowledged := s.Mark.Position
	switch {
	case noMark != "" && s.Last == 0 && s.bad == nil && len(s.Damage) == 0:
		return // a new log
	case noMark != "":
		s.damage(DamagedError{File: markName, What: noMark})
		if s.bad == nil {
			return
		}
		s.bad.Position, s.bad.To = s.Last+1, s.Last+1
		s.damage(*s.bad)
	case s.Last < acknowledged:
		d := DamagedError{
			File: cmp.Or(s.file, blockDir), Offset: int64(len(s.buf)),
			What: fmt.Sprintf("the log ends before position %d, which was acknowledged", acknowledged),
		}
		if s.bad != nil {
			d = *s.bad
		}
		d.Position, d.To = s.Last+1, acknowledged
		s.damage(d)
	case s.bad != nil && s.badMet == 1:
		s.Torn = &Torn{File: s.bad.File, Offset: s.bad.Offset, Bytes: s.badTo - s.bad.Offset}
	case s.bad != nil:
		s.bad.Position, s.bad.To = s.Last+1, s.Last+1
		s.damage(*s.bad)
	}
}
