package faults_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// refused opens a directory that must not be opened, and reports whether it was refused correctly: the error says where
// and what to do, and nothing changed.
func refused(t *testing.T, dir string, was files) error {
	t.Helper()
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test"})
	if err == nil {
		shut(t, l)
		return errors.New("it was opened")
	}
	damage, ok := errors.AsType[*cmdlog.DamagedError](err)
	switch {
	case !ok:
		return fmt.Errorf("no damage, but %w", err)
	case damage.File == "" || !strings.Contains(err.Error(), "log verify") ||
		!strings.Contains(err.Error(), "--accept-data-loss"):
		return fmt.Errorf("place or cure is missing in: %w", err)
	case !was.same(readFiles(t, dir)):
		return errors.New("files were changed")
	}
	return nil
}

// soakEnv selects all trials; without it a test takes a sample of one bit per byte.
const soakEnv = "SWARMCALL_SOAK"

func TestAFlippedBitInAnyByteIsNoticed(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	whole.write(t, dir)
	bits := tally{t: t, what: "flipped bits of the block that go unnoticed by a scan"}
	for at := range whole[blockFile] {
		for bit := range 8 {
			if bit != at%8 && os.Getenv(soakEnv) == "" {
				continue
			}
			if err := overwrite(filepath.Join(dir, blockFile), flipped(whole[blockFile], at, 1<<bit)); err != nil {
				t.Fatal(err)
			}
			r, _ := scan(t, dir)
			bits.trial(r.Err() != nil, "byte %d bit %d: no damage", at, bit)
		}
	}
	bits.report()
	opens := tally{t: t, what: "flipped bytes of the block that do not refuse the start"}
	for at := range whole[blockFile] {
		broken := whole.with(blockFile, flipped(whole[blockFile], at, 1<<((at+4)%8)))
		broken.write(t, dir)
		err := refused(t, dir, broken)
		opens.trial(err == nil, "byte %d: %v", at, err)
	}
	opens.report()
}

// TestAFlippedBitBesideTheRecords: the other files contain no records, so the start continues, reports the damage, and
// shortens nothing.
func TestAFlippedBitBesideTheRecords(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	c := tally{t: t, what: "flipped bytes of mark, meta and index that lose something or go unsaid"}
	for name, b := range whole {
		if name == blockFile {
			continue
		}
		said := name == "mark" || strings.Contains(name, "/meta.")
		for at := 0; at < len(b); at += step(name, at) {
			whole.with(name, flipped(b, at, 0x10)).write(t, dir)
			logger, words := spoken()
			l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test", Logger: logger})
			if err != nil {
				c.trial(false, "%s byte %d: %v", name, at, err)
				continue
			}
			last := put(t, l, swarmtest.Stop("ci", "a"))
			shut(t, l)
			_, records := scan(t, dir)
			c.trial(last == 14 && len(records) == 14 && (!said || words.Len() > 0),
				"%s byte %d: next position %d, %d records, said %q", name, at, last, len(records), words)
		}
	}
	c.report()
}

// step thins out the empty parts of the mark file: each start takes milliseconds.
func step(name string, at int) int {
	if name == "mark" && at%4096 >= 128 {
		return 512
	}
	return 3
}

func TestTruncationAtAnyOffsetIsNoticed(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	c := tally{t: t, what: "truncations of acknowledged records that do not refuse the start"}
	for at := range whole[blockFile] {
		broken := whole.with(blockFile, whole[blockFile][:at])
		broken.write(t, dir)
		err := refused(t, dir, broken)
		c.trial(err == nil, "cut to %d bytes: %v", at, err)
	}
	c.report()
}

// TestATornEndIsRepaired: an unacknowledged end is cut off and counted, however much of it reached the disk. Records of
// a batch that are complete stay in the log: no client was told that they are not.
func TestATornEndIsRepaired(t *testing.T) {
	for _, n := range []int{1, 9} {
		dir := t.TempDir()
		l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test"})
		put(t, l, swarmtest.Issued("ci", "a"))
		acknowledged := readFiles(t, dir)
		var records []swarm.Record
		for range n {
			records = append(records, swarmtest.Issued("ci", "a"))
		}
		put(t, l, records...)
		whole := readFiles(t, dir).with("mark", acknowledged["mark"]) // as kill -9 would leave it
		shut(t, l)
		c := tally{t: t, what: fmt.Sprintf("torn ends of %d records that are not repaired, or not said", n)}
		for at := len(acknowledged[blockFile]) + 1; at < len(whole[blockFile]); at += 3*n - 2 {
			torn := whole.with(blockFile, whole[blockFile][:at])
			torn[leftover] = []byte("half a batch")
			if at%2 == 0 && n == 1 { // garbage instead of a cut
				torn = whole.with(blockFile, flipped(whole[blockFile], at, 0x10))
			}
			torn.write(t, dir)
			err := repaired(t, dir)
			c.trial(err == nil, "cut to %d bytes: %v", at, err)
		}
		c.report()
	}
}

// leftover is a file that the engine keeps of a batch. It must not take effect after the log has been read.
const leftover = "jetstream/jetstream/$G/streams/SWARMCALL/batches/x/msgs/1.blk"

func repaired(t *testing.T, dir string) error {
	t.Helper()
	before, _ := scan(t, dir)
	logger, words := spoken()
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test", Logger: logger})
	if err != nil {
		return err
	}
	next := put(t, l, swarmtest.Stop("ci", "a"))
	shut(t, l)
	after, _ := scan(t, dir)
	if _, ok := readFiles(t, dir)[leftover]; ok {
		return errors.New("the rest of a batch was left for the engine")
	}
	said := before.Torn == nil ||
		strings.Contains(words.String(), fmt.Sprintf("offset=%d bytes=%d", before.Torn.Offset, before.Torn.Bytes))
	if next != before.Last+1 || next < 3 || after.Err() != nil || after.Torn != nil || !said {
		return fmt.Errorf("next position %d after %d, %w, said %q", next, before.Last, after.Err(), words)
	}
	return nil
}

func TestMovedAndMissingBytesAreNoticed(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	whole.write(t, dir)
	_, records := scan(t, dir)
	block := whole[blockFile]
	part := func(i int) []byte { return block[records[i].Offset:][:records[i].Bytes] }
	c := tally{t: t, what: "swapped, doubled, dropped and zeroed records that do not refuse the start"}
	try := func(what string, broken files) {
		broken.write(t, dir)
		err := refused(t, dir, broken)
		c.trial(err == nil, "%s: %v", what, err)
	}
	for i := range records {
		for j := range i {
			var swapped []byte
			for k := range records {
				switch k {
				case i:
					swapped = append(swapped, part(j)...)
				case j:
					swapped = append(swapped, part(i)...)
				default:
					swapped = append(swapped, part(k)...)
				}
			}
			try(fmt.Sprintf("records %d and %d swapped", i, j), whole.with(blockFile, swapped))
		}
		from, to := int(records[i].Offset), int(records[i].Offset)+records[i].Bytes
		try(fmt.Sprintf("record %d doubled", i), whole.with(blockFile, slices.Concat(block[:to], part(i), block[to:])))
		try(fmt.Sprintf("record %d dropped", i), whole.with(blockFile, slices.Concat(block[:from], block[to:])))
		try(fmt.Sprintf("record %d zeroed", i),
			whole.with(blockFile, slices.Concat(block[:from], make([]byte, to-from), block[to:])))
		try(fmt.Sprintf("bytes before record %d", i),
			whole.with(blockFile, slices.Concat(block[:from], []byte("stray"), block[from:])))
	}
	try("a file missing", whole.with(blockFile, nil))
	try("the mark missing", whole.with("mark", nil))
	both := flipped(flipped(whole["mark"], 20, 1), 4096+20, 1)
	try("both slots of the mark damaged", whole.with("mark", both))
	c.report()
}

func TestTwoServersOnOneDirectory(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test"})
	defer shut(t, l)
	c := tally{t: t, what: "second servers that start, or say it late or unclearly"}
	for range 3 {
		took := timed(func() {
			_, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test"})
			c.trial(err != nil && strings.Contains(err.Error(), dir) && strings.Contains(err.Error(), "--data-dir") &&
				!strings.Contains(err.Error(), "\n"), "%v", err)
		})
		c.trial(took.Seconds() < 1, "it took %v", took)
	}
	c.report()
}
