package logfile

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// framed returns a message as the engine stores it, with a matching checksum.
func framed(b *block, pos uint64, payload []byte) []byte {
	const headers = headersFirst + "Nats-Expected-Last-Sequence: 7" + headersLast
	f := make([]byte, frameHeader, frameHeader+len(Subject)+4+len(headers)+len(payload)+frameSum)
	le := binary.LittleEndian
	le.PutUint32(f, uint32(cap(f))|hasHeaders)
	le.PutUint64(f[4:], pos)
	le.PutUint64(f[12:], uint64(swarmtest.Noon.UnixNano()))
	le.PutUint16(f[20:], uint16(len(Subject)))
	f = append(f, Subject...)
	f = le.AppendUint32(f, uint32(len(headers)))
	f = append(f, headers...)
	f = append(f, payload...)
	sum := b.sum(f[4:20], []byte(Subject), []byte(headers), payload)
	return append(f, sum[:]...)
}

// lay writes a log of one block with these payloads at positions 1, 2, … and a mark at the last one, and scans it.
func lay(t *testing.T, last Sum, payloads ...[]byte) *Report {
	t.Helper()
	dir := t.TempDir()
	b, err := newBlock(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	for i, p := range payloads {
		data = append(data, framed(b, uint64(i)+1, p)...)
	}
	if err := os.MkdirAll(filepath.Join(dir, blockDir), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, blockName(1)), data, 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := OpenMark(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Update(func(m *Mark) { m.Position, m.Sum = uint64(len(payloads)), last }); err != nil {
		t.Fatal(err)
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Scan(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTheChainHoldsWhereChecksumsFit: matching checksums and positions are not sufficient if the records are not those
// that were written, in that order.
func TestTheChainHoldsWhereChecksumsFit(t *testing.T) {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sums := []Sum{{}}
	var payloads [][]byte
	for range 6 {
		b, own, err := c.Encode(swarmtest.Issued("ci", "a"), sums[len(sums)-1])
		if err != nil {
			t.Fatal(err)
		}
		payloads, sums = append(payloads, b), append(sums, own)
	}
	last := sums[len(sums)-1]
	if r := lay(t, last, payloads...); r.Err() != nil || r.Records != 6 {
		t.Fatalf("a whole log: %v", r.Err())
	}
	for i := range payloads {
		for j := range i {
			swapped := append([][]byte(nil), payloads...)
			swapped[i], swapped[j] = swapped[j], swapped[i]
			if r := lay(t, last, swapped...); r.Err() == nil || !strings.Contains(r.Err().Error(), "does not follow") {
				t.Errorf("payloads %d and %d swapped: %v", j, i, r.Err())
			}
		}
		replaced := append([][]byte(nil), payloads...)
		replaced[i], _, _ = c.Encode(swarmtest.Stop("ci", "a"), sums[i])
		if r := lay(t, last, replaced...); r.Err() == nil {
			t.Errorf("payload %d replaced by another: not noticed", i)
		}
	}
	stale := lay(t, sums[3], payloads[:5]...)
	if stale.Err() == nil ||
		!strings.Contains(stale.Err().Error(), "it is not the record that was acknowledged") {
		t.Errorf("another record at the mark: %v", stale.Err())
	}
}

// TestOldAndNewFormats: a log of a newer server is refused, with advice.
func TestOldAndNewFormats(t *testing.T) {
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, own, err := c.Encode(swarmtest.Issued("ci", "a"), Sum{})
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(b)
	newer[2] = FormatVersion + 1
	if r := lay(t, own, newer); r.Err() == nil || !strings.Contains(r.Err().Error(), "newer version of Swarmcall") {
		t.Errorf("a newer format: %v", r.Err())
	}
	for at := range b {
		bad := bytes.Clone(b)
		bad[at] ^= 0x10
		if _, _, _, err := c.Decode(2, bad); err == nil {
			t.Errorf("a flipped bit in byte %d of %d was not noticed", at, len(b))
		}
		if _, _, _, err := c.Decode(2, b[:at]); err == nil {
			t.Errorf("a record cut to %d bytes was not noticed", at)
		}
	}
}

func TestCovered(t *testing.T) {
	spans := []swarm.Span{{From: 5, To: 7}, {From: 3, To: 4}, {From: 7, To: 9}}
	for first := uint64(1); first < 12; first++ {
		for last := first; last < 12; last++ {
			if got, want := covered(spans, first, last), first >= 3 && last <= 9; got != want {
				t.Errorf("%d to %d: %v, want %v", first, last, got, want)
			}
		}
	}
}

// TestHoleIsAFrame: a scan reads what Salvage writes.
func TestHoleIsAFrame(t *testing.T) {
	b, err := newBlock(3, nil)
	if err != nil {
		t.Fatal(err)
	}
	b.data = b.absentFrame(77, time.Now())
	if f, what := b.frame(0); what != "" || !f.gone || f.pos != 77 || f.size != len(b.data) {
		t.Errorf("%+v %q", f, what)
	}
}

// FuzzScanBlock: hostile bytes must not make a scan panic or loop.
func FuzzScanBlock(f *testing.F) {
	b, err := newBlock(1, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(framed(b, 1, []byte("SC\x01")))
	f.Add(append(b.absentFrame(1, swarmtest.Noon), "swarmcall.log"...))
	f.Fuzz(func(t *testing.T, data []byte) {
		b.data = data
		for at := 0; at < len(data); {
			fr, what := b.frame(at)
			next := at + fr.size
			if what != "" {
				next = b.next(at)
			}
			if next <= at || next > len(data) {
				t.Fatalf("from %d to %d of %d", at, next, len(data))
			}
			at = next
		}
	})
}
