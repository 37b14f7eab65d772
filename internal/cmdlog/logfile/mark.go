package logfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// The mark file has two slots, written in turn, each in its own page, so that a torn write leaves the other one intact:
//
//	bytes   what
//	0–3     magic "SCMK"
//	4       format version, 1
//	5–7     zero
//	8–15    generation: the slot with the higher one counts
//	16–23   position of the newest acknowledged record
//	24–31   when a driver session was last open, microseconds since the Unix epoch; 0 for never
//	32–39   epoch of the log
//	40–55   id of the log
//	56–87   hash of that record
//	88–95   zero
//	96–127  SHA-256 over bytes 0–95
//
// All numbers are little-endian; the rest of the file is zero.
const (
	markName    = "mark"
	markVersion = 1
	slotBytes   = 128
	slotSumAt   = 96
	slotAt      = 4096 // of the second slot
	markBytes   = 2 * slotAt
	logIDBytes  = 16
)

// Mark is what the server knew about the log when it last wrote to it: if the log ends before the mark, it has lost
// records.
type Mark struct {
	Position uint64    // of the newest acknowledged record; 0 for none
	Sum      Sum       // its hash
	LogID    string    // of the log
	Epoch    uint64    // of the log
	Session  time.Time // when a driver session was last open; zero for never
}

// errNoMark is the error for a mark file without a readable slot.
var errNoMark = errors.New("no slot of the mark file can be read")

// readMark returns the newest mark in dir, its generation, and harmless faults of the file. The error is fs.ErrNotExist
// if there is no file, errNoMark if no slot can be read.
func readMark(dir string) (m Mark, generation uint64, notes []string, err error) {
	b, err := os.ReadFile(filepath.Join(dir, markName))
	if err != nil {
		return m, 0, nil, err
	}
	if len(b) != markBytes {
		notes = append(notes, fmt.Sprintf("the mark file has %d bytes and should have %d", len(b), markBytes))
		b = append(b, make([]byte, markBytes)...)[:markBytes]
	}
	found := false
	for i := range 2 {
		slot := b[i*slotAt : i*slotAt+slotBytes]
		other, g, ok := parseSlot(slot)
		switch {
		case !ok:
			notes = append(notes, fmt.Sprintf("slot %d of the mark file is damaged", i+1))
		case !found || g > generation:
			m, generation, found = other, g, true
		}
		if len(bytes.Trim(b[i*slotAt+slotBytes:(i+1)*slotAt], "\x00")) > 0 {
			notes = append(notes, fmt.Sprintf("the mark file has stray bytes after slot %d", i+1))
		}
	}
	if !found {
		return m, 0, notes, errNoMark
	}
	return m, generation, notes, nil
}

func parseSlot(b []byte) (m Mark, generation uint64, ok bool) {
	sum := sha256.Sum256(b[:slotSumAt])
	if !bytes.Equal(sum[:], b[slotSumAt:]) || string(b[:4]) != "SCMK" || b[4] != markVersion {
		return m, 0, false
	}
	le := binary.LittleEndian
	m = Mark{Position: le.Uint64(b[16:]), LogID: string(bytes.TrimRight(b[40:56], "\x00")), Epoch: le.Uint64(b[32:])}
	if us := int64(le.Uint64(b[24:])); us != 0 {
		m.Session = time.UnixMicro(us).UTC()
	}
	copy(m.Sum[:], b[56:])
	return m, le.Uint64(b[8:]), true
}

func (m Mark) slot(generation uint64) []byte {
	b := make([]byte, slotBytes)
	le := binary.LittleEndian
	copy(b, "SCMK")
	b[4] = markVersion
	le.PutUint64(b[8:], generation)
	le.PutUint64(b[16:], m.Position)
	if !m.Session.IsZero() {
		le.PutUint64(b[24:], uint64(m.Session.UnixMicro()))
	}
	le.PutUint64(b[32:], m.Epoch)
	copy(b[40:40+logIDBytes], m.LogID)
	copy(b[56:], m.Sum[:])
	sum := sha256.Sum256(b[:slotSumAt])
	copy(b[slotSumAt:], sum[:])
	return b
}

// MarkFile is the mark, open for writing. Its methods are safe for concurrent use.
type MarkFile struct {
	mu         sync.Mutex
	file       *os.File
	mark       Mark
	generation uint64
}

// OpenMark opens the mark file in dir, to continue from its content. A file that is absent or unreadable is created
// again, and is on disk when OpenMark returns: without a file, a later start would report a lost mark. Call it only
// after a scan has found the log intact.
func OpenMark(dir string) (_ *MarkFile, err error) {
	m := &MarkFile{}
	var notes []string
	m.mark, m.generation, notes, err = readMark(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errNoMark) {
		return nil, err
	}
	recreate := err != nil || len(notes) > 0
	if m.file, err = os.OpenFile(filepath.Join(dir, markName), os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if recreate {
		if err := m.format(dir); err != nil {
			return nil, errors.Join(err, m.file.Close())
		}
	}
	return m, nil
}

// format writes both slots and nothing else.
func (m *MarkFile) format(dir string) error {
	b := make([]byte, markBytes)
	copy(b, m.mark.slot(m.generation))
	copy(b[slotAt:], m.mark.slot(m.generation))
	if err := m.file.Truncate(markBytes); err != nil {
		return err
	}
	if _, err := m.file.WriteAt(b, 0); err != nil {
		return err
	}
	return errors.Join(m.file.Sync(), syncDir(dir))
}

// Update changes the mark and passes it to the kernel: it survives the process, and a power cut can only make it older.
func (m *MarkFile) Update(change func(*Mark)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(&m.mark)
	m.generation++
	_, err := m.file.WriteAt(m.mark.slot(m.generation), int64(m.generation%2)*slotAt)
	return err
}

// Mark returns the mark as last written.
func (m *MarkFile) Mark() Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mark
}

// Close syncs the mark to disk and closes its file.
func (m *MarkFile) Close() error { return errors.Join(m.file.Sync(), m.file.Close()) }

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
