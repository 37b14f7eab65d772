package logfile

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMarkSurvivesATornSlot(t *testing.T) {
	dir := t.TempDir()
	m, err := OpenMark(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := m.Update(func(m *Mark) {
			*m = Mark{Position: i + 1, Sum: Sum{byte(i)}, LogID: "0011223344556677", Epoch: 3,
				Session: swarmtest.Noon.Add(time.Duration(i))}
		}); err != nil {
			t.Fatal(err)
		}
	}
	want := m.Mark()
	want.Session = want.Session.Truncate(time.Microsecond)
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, markName)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, notes, err := readMark(dir); got != want || len(notes) > 0 || err != nil {
		t.Errorf("read %+v, want %+v; %v %v", got, want, notes, err)
	}
	for at := 0; at < len(whole); at++ {
		if at%slotAt > slotBytes && at%slotAt < slotAt-8 && at%64 != 0 {
			continue // skip most of the empty bytes, which are all alike
		}
		torn := bytes.Clone(whole)
		torn[at] ^= 0x40
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		got, _, notes, err := readMark(dir)
		if err != nil || len(notes) != 1 || (got.Position != 5 && got.Position != 4) {
			t.Errorf("byte %d flipped: %+v, said %q, %v", at, got, notes, err)
		}
	}
	m, err = OpenMark(dir) // repairs the file
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, notes, err := readMark(dir); len(notes) > 0 || err != nil {
		t.Errorf("after opening it for writing: %v %v", notes, err)
	}
}

func BenchmarkMarkUpdate(b *testing.B) {
	m, err := OpenMark(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	for b.Loop() {
		if err := m.Update(func(m *Mark) { m.Position++ }); err != nil {
			b.Fatal(err)
		}
	}
}
