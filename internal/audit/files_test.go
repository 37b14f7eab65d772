package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// written returns the directory of a log that was closed after some events.
func written(t *testing.T, cfg Config, events ...string) string {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	l, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, detail := range events {
		l.Record(act(detail))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg.Dir
}

// TestWhatACrashLeavesOfALine is cut off, wherever the line was cut, and also if it is zeros or longer than a block.
func TestWhatACrashLeavesOfALine(t *testing.T) {
	whole, err := os.ReadFile(filepath.Join(written(t, Config{}, "one", "two", "three"), Name))
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	cases := map[string][]byte{
		"zeros":     append(bytes.Clone(whole[:kept]), make([]byte, 4096)...),
		"long":      append(bytes.Clone(whole[:kept]), strings.Repeat("x", 3*block+1)...),
		"only torn": []byte(`{"at":`),
	}
	for n := kept; n < len(whole); n++ {
		cases[fmt.Sprintf("cut at %d", n)] = whole[:n]
	}
	for name, data := range cases {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Name), data, 0o644); err != nil {
			t.Fatal(err)
		}
		l := opened(t, Config{Dir: dir}, osDisk)
		want := []string{"one", "two"}
		if name == "only torn" {
			want = nil
		}
		if got := details(all(t, l, 2)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: it has %q", name, got)
		}
		l.Record(act("after"))
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := details(all(t, l, 2)); !reflect.DeepEqual(got, append(want, "after")) {
			t.Errorf("%s: then it has %q", name, got)
		}
		if info, err := os.Stat(filepath.Join(dir, Name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v", name, err, info.Mode())
		}
	}
}

// TestLinesOfOthers: what is no event is left out of the pages, and hides no event.
func TestLinesOfOthers(t *testing.T) {
	dir := written(t, Config{}, "one")
	path := filepath.Join(dir, Name)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	strange := []string{"", "{}", "null", "[1]", `{"at":"2026-11-30T15:00:00Z"}`, `{"kind":"refused"}`,
		`{"at":"yesterday","kind":"refused"}`, `{"at":"2026-11-30T15:00:00Z","kind":"x","kind":"y"}`,
		`{"at":"0000-01-01T00:00:00Z","kind":"x"}`, "\x00\x00", "\xff", strings.Repeat("x", maxLine+3*block),
		strings.Repeat("y", maxLine), strings.Repeat("z", block)}
	for _, s := range strange {
		data = append(data, s+"\n"...)
		data = append(data, encode(Event{At: moments, Kind: swarm.AuditStarted, Detail: "next"})...)
	}
	data = append(data, `{"at":"2026-11-30T15:00:00Z","kind":"of_a_later_version","new":{"a":1}}`+"\n"...)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	l := opened(t, Config{Dir: dir}, osDisk)
	for _, limit := range []int{1, 2, 1000} {
		got := all(t, l, limit)
		if len(got) != 2+len(strange) || got[len(got)-1].Kind != "of_a_later_version" || got[0].Detail != "one" {
			t.Errorf("pages of %d have %d events: %q", limit, len(got), details(got))
		}
	}
}

func TestFilesAreBoundedAndReadTogether(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxBytes: 500, Keep: 3}
	names := []string{}
	for i := range 60 {
		names = append(names, fmt.Sprint(i))
		written(t, cfg, names[i]) // opened again for each event
	}
	l := opened(t, cfg, osDisk)
	for _, limit := range []int{1, 4, 5, 6, 1000} {
		got := details(all(t, l, limit))
		if len(got) < 16 || len(got) > 20 || !reflect.DeepEqual(got, names[60-len(got):]) {
			t.Errorf("pages of %d have %q", limit, got)
		}
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil || len(entries) != 4 {
		t.Errorf("%v, %v", err, entries)
	}
	for _, e := range entries {
		if info, err := e.Info(); err != nil || info.Size() > 500 || info.Size() < 84 {
			t.Errorf("%v, %s has %d bytes", err, e.Name(), info.Size())
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	cfg.Keep = 1
	if n := len(all(t, opened(t, cfg, osDisk), 1000)); n > 10 {
		t.Errorf("%d events after fewer files are kept", n)
	}
}

// TestOtherFilesStay: only files with exactly the names of this package are read and deleted.
func TestOtherFilesStay(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxBytes: 100, Keep: 1}
	others := []string{"audit-1.ndjson", "audit-00000000001.ndjson", "audit-0000000001.ndjson.gz", "audit-.ndjson",
		"audit-0000000000.ndjson", "audit--000000001.ndjson", "audit-99999999999999999999.ndjson", "audit-0000000002"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(cfg.Dir, name), encode(act("other")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	written(t, cfg, "a", "b", "c", "d")
	if got := details(all(t, opened(t, cfg, osDisk), 10)); !reflect.DeepEqual(got, []string{"c", "d"}) {
		t.Errorf("it has %q", got)
	}
	for _, name := range others {
		if _, err := os.Stat(filepath.Join(cfg.Dir, name)); err != nil {
			t.Error(err)
		}
	}
}

// TestADeletedFileIsFollowedByAnother: somebody deletes the current file while the server runs.
func TestADeletedFileIsFollowedByAnother(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxBytes: 200}
	l := opened(t, cfg, osDisk)
	if err := os.Remove(filepath.Join(cfg.Dir, Name)); err != nil {
		t.Fatal(err)
	}
	if got := all(t, l, 10); got != nil {
		t.Errorf("it has %+v", got)
	}
	for _, detail := range []string{"a", "b", "c"} {
		l.Record(act(detail))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := details(all(t, l, 10)); !reflect.DeepEqual(got, []string{"c"}) {
		t.Errorf("it has %q", got)
	}
}

func TestCursors(t *testing.T) {
	cfg := Config{Dir: t.TempDir(), MaxBytes: 500, Keep: 1}
	l := opened(t, cfg, osDisk)
	written := func(detail string) {
		if _, err := l.files.append([][]byte{encode(Event{At: moments, Kind: swarm.AuditStarted, Detail: detail})}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 4 {
		written(fmt.Sprint(i))
	}
	page, next, err := l.Page("", 2)
	if err != nil || !reflect.DeepEqual(details(page), []string{"3", "2"}) {
		t.Fatalf("%v, %q", err, details(page))
	}
	for i := range 5 { // the file is renamed meanwhile
		written(fmt.Sprint("newer ", i))
	}
	for range 2 { // a cursor may be used again
		if page, _, err := l.Page(next, 2); err != nil || !reflect.DeepEqual(details(page), []string{"1", "0"}) {
			t.Errorf("%v, %q", err, details(page))
		}
	}
	forged := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	bad := []string{"x", "!", forged("audit:1"), forged("audit:1:-1"), forged("audit:1:3"), forged("audit:1:99999"),
		forged("audit:9:0"), forged("audit:01:0"), forged("audit:1:0 "), forged(" audit:1:0"), forged("older:5"),
		forged("audit:18446744073709551616:0"), next + "\n", forged("audit:1:9223372036854775807")}
	for range 20 {
		written("much newer")
	}
	for _, cursor := range append(bad, next) { // the last one was good, but its file has been deleted
		if page, _, err := l.Page(cursor, 2); swarm.CodeOf(err) != swarm.CodeBadRequest || page != nil {
			t.Errorf("%q: %v, %q", cursor, err, details(page))
		}
	}
	if page, _, err := l.Page("", -1); err != nil || len(page) != 1 {
		t.Errorf("%v, %q", err, details(page))
	}
}

type counting struct {
	io.ReaderAt
	bytes int
}

func (c *counting) ReadAt(b []byte, off int64) (int, error) {
	c.bytes += len(b)
	return c.ReaderAt.ReadAt(b, off)
}

// TestAPageReadsNoMoreThanItNeeds: of a file of megabytes it reads the blocks with its events.
func TestAPageReadsNoMoreThanItNeeds(t *testing.T) {
	one := encode(Event{At: moments, Kind: swarm.AuditStarted, Detail: strings.Repeat("x", 200)})
	data := bytes.Repeat(one, 20_000)
	r := &counting{ReaderAt: bytes.NewReader(data)}
	p := page{limit: 100}
	if err := p.read(&backwards{r: r, pos: int64(len(data))}, 1); err != nil || len(p.events) != 100 || !p.more {
		t.Fatalf("%v, %d events", err, len(p.events))
	}
	if most := 101*len(one) + block; r.bytes > most {
		t.Errorf("it has read %d bytes; want at most %d", r.bytes, most)
	}
}

// FuzzBackwards: the lines of any file are what a split finds, except for those that are too long.
func FuzzBackwards(f *testing.F) {
	f.Add([]byte("a\nb\n\nccc"), 3)
	f.Add([]byte("\n"), block)
	f.Fuzz(func(t *testing.T, data []byte, factor int) {
		data = bytes.ReplaceAll(data, []byte("A"), bytes.Repeat([]byte("B"), max(0, min(factor, maxLine))))
		lines := &backwards{r: bytes.NewReader(data), pos: int64(len(data))}
		var got [][]byte
		for end := int64(len(data)); ; {
			line, start, err := lines.next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil || start >= end {
				t.Fatalf("%v, the line before %d begins at %d", err, end, start)
			}
			got, end = append(got, line), start
		}
		var want [][]byte
		if len(data) > 0 {
			want = bytes.Split(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'})
			slices.Reverse(want)
		}
		if len(got) != len(want) {
			t.Fatalf("%d lines; want %d", len(got), len(want))
		}
		for i := range want {
			if len(want[i]) > maxLine && got[i] == nil {
				continue
			}
			if !bytes.Equal(got[i], want[i]) {
				t.Fatalf("line %d is %q; want %q", i, got[i], want[i])
			}
		}
	})
}

// FuzzCursor: whatever a client sends is a page of events or CodeBadRequest.
func FuzzCursor(f *testing.F) {
	dir := f.TempDir()
	l, err := Open(Config{Dir: dir, MaxBytes: 400})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = l.Close() })
	lines := [][]byte{}
	for i := range 12 {
		lines = append(lines, encode(Event{At: moments, Kind: swarm.AuditStarted, Detail: fmt.Sprint(i)}))
	}
	if _, err := l.files.append(lines); err != nil {
		f.Fatal(err)
	}
	for cursor := ""; ; {
		f.Add(cursor)
		b, _ := base64.RawURLEncoding.DecodeString(cursor)
		f.Add(string(b))
		if _, cursor, err = l.Page(cursor, 3); err != nil || cursor == "" {
			break
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, cursor := range []string{s, base64.RawURLEncoding.EncodeToString([]byte(s))} {
			events, next, err := l.Page(cursor, 3)
			if err != nil {
				if swarm.CodeOf(err) != swarm.CodeBadRequest {
					t.Fatal(err)
				}
				continue
			}
			if len(events) > 3 || next != "" && len(events) != 3 {
				t.Fatalf("%d events, next %q", len(events), next)
			}
		}
	})
}
