package cmdlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/minio/highwayhash"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// formatVerifiedWith is the version of nats-server whose files TestBlockFormat was last run with on purpose. The log
// reads and repairs these files itself, and their format is not part of what nats-server promises. To upgrade: read
// what has changed in server/filestore.go, run the tests of this package and of logfile with the new version, and then
// change this constant. Logs that the version before wrote must stay readable (testdata/log-v1).
const formatVerifiedWith = "v2.15.2"

func TestBlockFormatWasVerified(t *testing.T) {
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^\s*github\.com/nats-io/nats-server/v2 (\S+)`).FindSubmatch(mod)
	if found == nil {
		t.Fatal("go.mod does not require nats-server")
	}
	if v := string(found[1]); v != formatVerifiedWith || server.VERSION != formatVerifiedWith[1:] {
		t.Errorf("the block format was verified with nats-server %s; go.mod has %s, and this test runs %s: see "+
			"formatVerifiedWith", formatVerifiedWith, v, server.VERSION)
	}
}

// TestBlockFormat lets the real server write records, and compares every byte of its block files with a description of
// the format that shares no code with the reader of package logfile.
func TestBlockFormat(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	big := bytes.Repeat([]byte("0123456789abcdef"), 3<<16) // 3 MiB: three of them begin a second file
	for i, payload := range [][]byte{[]byte("payload"), {}, big, []byte("after"), big, big} {
		m := nats.NewMsg("swarmcall.log")
		m.Data = payload
		if i%2 == 1 {
			m.Header.Set("Key", "value")
		}
		if _, err := l.local.js.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	var want [][]byte // the frames, for each file
	for pos := range uint64(7) {
		m, err := l.local.stream.GetMsg(t.Context(), pos+1)
		if err != nil {
			t.Fatal(err)
		}
		number := 1
		if pos+1 == 7 {
			number = 2
		}
		if len(want) < number {
			want = append(want, nil)
		}
		want[number-1] = append(want[number-1], frameOf(t, number, m)...)
	}
	shut(t, l)
	stream := filepath.Join(dir, "jetstream", "jetstream", "$G", "streams", "SWARMCALL")
	for i, frames := range want {
		got, err := os.ReadFile(filepath.Join(stream, "msgs", fmt.Sprintf("%d.blk", i+1)))
		if err != nil || !bytes.Equal(got, frames) {
			t.Errorf("file %d has %d bytes, want %d; they differ from byte %d on: %v", i+1, len(got), len(frames),
				firstDifference(got, frames), err)
		}
	}
	meta, err := os.ReadFile(filepath.Join(stream, "meta.inf"))
	if err != nil {
		t.Fatal(err)
	}
	sum, err := os.ReadFile(filepath.Join(stream, "meta.sum"))
	if want := hex.EncodeToString(highway(t, "SWARMCALL", meta)); err != nil || string(sum) != want {
		t.Errorf("meta.sum is %q, want %q: %v", sum, want, err)
	}
	if files := filesBelow(t, stream); !slices.Equal(files, []string{
		"meta.inf", "meta.sum", "msgs/1.blk", "msgs/2.blk", "msgs/index.db",
	}) {
		t.Errorf("the stream's files are %v", files)
	}
}

// frameOf returns a message as it lies in a block file:
//
//	length of the whole frame (4, little-endian; highest bit: has headers), position (8), time in ns (8),
//	length of the subject (2), subject, [length of the headers (4), headers,] payload,
//	HighwayHash-64 of position, time, subject, headers and payload (8), with the key SHA-256("SWARMCALL-<file>")
func frameOf(t *testing.T, number int, m *jetstream.RawStreamMsg) []byte {
	t.Helper()
	le := binary.LittleEndian
	var header []byte
	for _, key := range []string{"Key", jetstream.ExpectedLastSeqHeader} { // the log's own records have the second
		if v := m.Header.Get(key); v != "" {
			header = []byte("NATS/1.0\r\n" + key + ": " + v + "\r\n\r\n")
		}
	}
	ids := le.AppendUint64(le.AppendUint64(nil, m.Sequence), uint64(m.Time.UnixNano()))
	body := []byte(m.Subject)
	if header != nil {
		body = append(le.AppendUint32(body, uint32(len(header))), header...)
	}
	body = append(body, m.Data...)
	length := uint32(4 + len(ids) + 2 + len(body) + 8)
	if header != nil {
		length |= 1 << 31
	}
	frame := append(le.AppendUint32(nil, length), ids...)
	frame = append(le.AppendUint16(frame, uint16(len(m.Subject))), body...)
	return append(frame, highway(t, fmt.Sprintf("SWARMCALL-%d", number), ids, []byte(m.Subject), header, m.Data)...)
}

func highway(t *testing.T, name string, parts ...[]byte) []byte {
	t.Helper()
	key := sha256.Sum256([]byte(name))
	h, err := highwayhash.New64(key[:])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = h.Write(bytes.Join(parts, nil))
	return h.Sum(nil)
}

func firstDifference(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

func filesBelow(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
