package logs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// Verify checks the log in dir: checksums, hashes, chains, positions, the mark, and that every outcome has one verdict
// per target. It prints its findings to out, and returns an error for damage.
func Verify(ctx context.Context, dir string, out io.Writer) error {
	inUse, err := logfile.InUse(dir)
	if err != nil {
		return err
	}
	var promises logfile.Invariants
	r, err := scan(ctx, dir, promises.Take)
	if err != nil {
		return err
	}
	damage := slices.Concat(r.Damage, promises.Broken(slices.Concat(r.Lost, r.LostNow())))
	_, err = io.WriteString(out, findings(r, &promises, inUse, len(damage)))
	if err != nil {
		return err
	}
	return damaged(dir, damage)
}

func findings(r *logfile.Report, promises *logfile.Invariants, inUse bool, damage int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("log %s.%d: %d records up to position %d, %d entries, %d of them closed; %d bytes in %d files",
		r.LogID, r.Epoch, r.Records, r.Last, promises.Entries, promises.Closed, r.Bytes, r.Blocks)
	if inUse {
		line("a server has the log open and may be writing to it")
	}
	for _, s := range r.Lost {
		line("accepted as lost: positions %d to %d", s.From, s.To)
	}
	if t := r.Torn; t != nil && inUse {
		line("the last %d bytes of %s are a write that is still in progress", t.Bytes, t.File)
	} else if t != nil {
		line("the last %d bytes of %s, from byte %d on, are an unfinished write that was never acknowledged; the next "+
			"start removes them", t.Bytes, t.File, t.Offset)
	}
	for _, note := range r.Notes {
		line("harmless: %s", note)
	}
	if damage == 0 {
		line("ok: every checksum, hash, chain and outcome is correct, up to position %d, which is the newest "+
			"acknowledged one or past it (%d)", r.Last, r.Mark.Position)
	}
	return b.String()
}
