package faults_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// accept opens a damaged log with the loss accepted, and checks the promises for that. lost are the positions of the
// records that cannot be recovered.
func accept(t *testing.T, dir string, lost []uint64) (err error) {
	t.Helper()
	var left []uint64
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{
		Dir: dir, Node: "test", AcceptLoss: true, Replay: func(pos uint64, _ swarm.Record) { left = append(left, pos) },
	})
	if err != nil {
		return err
	}
	want := slices.DeleteFunc([]uint64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13},
		func(p uint64) bool { return slices.Contains(lost, p) })
	id, last := l.ID(), l.Last()
	shut(t, l)
	want = append(want, last) // the acceptance
	if !slices.Equal(left, want) {
		return fmt.Errorf("left %v, want %v", left, want)
	}
	if !strings.HasSuffix(id, ".2") {
		return fmt.Errorf("the log is called %s, and the epoch has to rise", id)
	}
	return acceptedForGood(t, dir, id, last, lost)
}

// acceptedForGood checks that the next start needs no flag, and that the acceptance is in the log.
func acceptedForGood(t *testing.T, dir, id string, last uint64, lost []uint64) error {
	t.Helper()
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "test"})
	if err != nil {
		return fmt.Errorf("the next start: %w", err)
	}
	defer shut(t, l)
	if l.ID() != id || l.Last() != last || last <= 13 {
		return fmt.Errorf("log %s ends at %d after the next start, was %s at %d", l.ID(), l.Last(), id, last)
	}
	if next := put(t, l, swarmtest.Stop("ci", "a")); next != last+1 {
		return fmt.Errorf("the next position is %d, want %d", next, last+1)
	}
	r, records := scan(t, dir)
	var named []uint64
	for _, s := range r.Lost {
		for p := s.From; p <= s.To; p++ {
			named = append(named, p)
		}
	}
	reset, ok := records[len(records)-2].Record.(*swarm.Reset)
	if r.Err() != nil || !slices.Equal(named, lost) || !ok || !strings.Contains(reset.Cause, "accepted") {
		damage := fmt.Sprint(r.Err())
		return fmt.Errorf("the scan says %s and names %v as lost, want %v; the record is %+v", damage, named, lost,
			reset)
	}
	return nil
}

// TestAnAcceptedLoss: intact records stay at their positions, lost ones are named, and no position is used twice.
func TestAnAcceptedLoss(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	whole.write(t, dir)
	_, records := scan(t, dir)
	block := whole[blockFile]
	c := tally{t: t, what: "accepted losses that lose more, name it wrongly or do not last"}
	try := func(what string, broken files, lost ...uint64) {
		broken.write(t, dir)
		err := accept(t, dir, lost)
		c.trial(err == nil, "%s: %v", what, err)
	}
	for i, r := range records {
		from, to := int(r.Offset), int(r.Offset)+r.Bytes
		try(fmt.Sprintf("record %d flipped", i+1), whole.with(blockFile, flipped(block, to-12, 1)), r.Position)
		try(fmt.Sprintf("record %d with a wrong length", i+1), whole.with(blockFile, flipped(block, from+1, 1)),
			r.Position)
		try(fmt.Sprintf("record %d dropped", i+1), whole.with(blockFile, slices.Concat(block[:from], block[to:])),
			r.Position)
		try(fmt.Sprintf("stray bytes before record %d", i+1),
			whole.with(blockFile, slices.Concat(block[:from], []byte("stray"), block[from:])))
		var rest []uint64
		for p := r.Position; p <= 13; p++ {
			rest = append(rest, p)
		}
		try(fmt.Sprintf("cut before record %d", i+1), whole.with(blockFile, block[:from]), rest...)
		if i > 0 {
			try(fmt.Sprintf("records 1 and %d flipped", i+1),
				whole.with(blockFile, flipped(flipped(block, to-12, 1), 40, 1)), 1, r.Position)
		}
	}
	try("the file missing", whole.with(blockFile, nil), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
	try("all but the mark missing", files{"mark": whole["mark"]}, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13)
	try("the mark missing", whole.with("mark", nil))
	try("without index", whole.with(blockFile,
		flipped(block, 300, 1)).with(strings.Replace(blockFile, "1.blk", "index.db", 1), nil), 2)
	c.report()
}

// TestAcceptingTwice: the second loss may include the record that accepted the first.
func TestAcceptingTwice(t *testing.T) {
	whole, dir := smallLog(t), t.TempDir()
	whole.with(blockFile, flipped(whole[blockFile], 300, 1)).write(t, dir)
	shut(t, mustOpen(t, cmdlog.Config{Dir: dir, Node: "test", AcceptLoss: true}))
	once := readFiles(t, dir)
	once.with(blockFile, flipped(once[blockFile], len(once[blockFile])-20, 1)).write(t, dir)
	l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test", AcceptLoss: true})
	defer shut(t, l)
	r, _ := scan(t, dir)
	if r.Err() != nil || !slices.Equal(r.Lost, []swarm.Span{{From: 2, To: 2}, {From: 14, To: 14}}) || l.Last() != 15 {
		t.Errorf("damage %v, lost %v, the log %s ends at %d", r.Err(), r.Lost, l.ID(), l.Last())
	}
	kept := 0
	for name := range readFiles(t, dir) {
		if strings.HasPrefix(name, "lost-epoch-") {
			kept++
		}
	}
	if kept != 2 {
		t.Errorf("%d damaged files are kept, want one of each loss", kept)
	}
}
