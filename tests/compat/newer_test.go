package compat

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/minio/highwayhash"
)

// advice is the sentence that tells an operator to accept the loss of unreadable records. Both versions print it for
// damage.
var advice = regexp.MustCompile(`start (with|the server once with) --accept-data-loss`)

// givesUp matches texts that must not appear for a newer log.
var givesUp = regexp.MustCompile(`damaged|data-loss`)

// refuses checks that a server refuses a log as newer, with every flag, and changes nothing in it.
func refuses(t *testing.T, r *release, data string) (said string) {
	t.Helper()
	was := contents(t, data)
	for _, flags := range [][]string{nil, {"--accept-data-loss"}} {
		s, err := r.launch(t, data, flags...)
		if err == nil {
			t.Fatalf("the %s server starts on a newer log, %q", r.name, flags)
		}
		said = s.Err.String()
		if code := s.Code(); code <= 0 || !strings.Contains(said, "newer") || advice.MatchString(said) {
			t.Errorf("the %s server with %q: exit code %d\n%s", r.name, flags, code, said)
		}
	}
	for name, is := range contents(t, data) {
		if is != was[name] {
			t.Errorf("the %s server changed %s", r.name, name)
		}
	}
	return said
}

// contents are the files below a directory, without the lock.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "LOCK" {
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestANewLogOnAnOldServer: a command with a condition is a record of version 2. The old server says that the log is
// newer, and what to do.
func TestANewLogOnAnOldServer(t *testing.T) {
	old := oldRelease(t)
	data := filepath.Join(t.TempDir(), "data")
	s := newRelease.serve(t, data)
	old.drive(t, s.url, "d-1")
	e, _ := post(t, s.url, `{"command": {"type": "set_players", "players": 5}}`)
	newRelease.must(t, s.url, "players", "set", "6", "--if-seq", itoa(e.Seq))
	s.stop()
	if said := refuses(t, old, data); !strings.Contains(said, "use a newer one") || !strings.Contains(said, "no cure") {
		t.Errorf("the old server says\n%s", said)
	}
	newRelease.serve(t, data).stop()
}

// TestALogOfTheFuture: this version also refuses an unknown format as newer: the server, and each verb that reads a
// log. No message says that the log is damaged, or asks to accept a loss.
func TestALogOfTheFuture(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := newRelease.serve(t, data)
	s.stop()
	future(t, data)
	if said := refuses(t, newRelease, data); strings.Contains(said, "damaged") {
		t.Errorf("the server says\n%s", said)
	}
	for _, verb := range []string{"verify", "export", "stats", "backup --to " + filepath.Join(t.TempDir(), "backup")} {
		got := newRelease.run(t, "", strings.Fields("log "+verb+" --data-dir "+data)...)
		if got.code != 1 || !strings.Contains(got.err, "newer version") || givesUp.MatchString(got.err) {
			t.Errorf("log %s: exit code %d\n%s%s", verb, got.code, got.out, got.err)
		}
	}
}

// future gives the last record of a log a format version that is far ahead, with a checksum of the engine that fits.
func future(t *testing.T, data string) {
	t.Helper()
	path := filepath.Join(data, "jetstream", "jetstream", "$G", "streams", "SWARMCALL", "msgs", "1.blk")
	block, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := lastFrame(t, block)
	le, frame := binary.LittleEndian, block[at:]
	subject := frame[22 : 22+le.Uint16(frame[20:])]
	body, headers := frame[22+len(subject):len(frame)-8], []byte(nil)
	if le.Uint32(frame)&(1<<31) != 0 {
		n := le.Uint32(body)
		headers, body = body[4:4+n], body[4+n:]
	}
	if string(body[:2]) != "SC" {
		t.Fatalf("no record begins with %q", body[:2])
	}
	body[2] = 250
	key := sha256.Sum256(fmt.Append(nil, "SWARMCALL-1"))
	h, err := highwayhash.NewDigest64(key[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{frame[4:20], subject, headers, body} {
		_, _ = h.Write(part) // a hash never fails
	}
	copy(frame[len(frame)-8:], h.Sum(nil))
	if err := os.WriteFile(path, block, 0o600); err != nil {
		t.Fatal(err)
	}
}

func lastFrame(t *testing.T, block []byte) (at int) {
	t.Helper()
	for next := 0; next < len(block); {
		at = next
		size := int(binary.LittleEndian.Uint32(block[at:]) &^ (1 << 31))
		if next += size; size < 30 || next > len(block) {
			t.Fatalf("no frame at byte %d", at)
		}
	}
	return at
}
