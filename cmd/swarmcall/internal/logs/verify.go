package logs

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// Verify checks a log: checksums, hashes, chains, positions, the mark, and that every outcome has one verdict per
// target. It prints its findings to out, and returns an error for damage.
func Verify(ctx context.Context, from Source, out io.Writer) error {
	inUse := false
	if !from.shared() {
		var err error
		if inUse, err = logfile.InUse(from.Dir); err != nil {
			return err
		}
	}
	var promises logfile.Invariants
	r, err := from.scan(ctx, promises.Take)
	if err != nil {
		return err
	}
	damage := slices.Concat(r.Damage, promises.Broken(slices.Concat(r.Lost, r.LostNow())))
	_, err = io.WriteString(out, findings(from, r, &promises, inUse, len(damage)))
	if err != nil {
		return err
	}
	return damaged(from, damage)
}

func findings(from Source, r *logfile.Report, promises *logfile.Invariants, inUse bool, damage int) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("log %s.%d: %d records up to position %d, %d entries, %d of them closed; %d bytes in %s",
		r.LogID, r.Epoch, r.Records, r.Last, promises.Entries, promises.Closed, r.Bytes, where(from, r.Blocks))
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
	switch {
	case damage > 0:
	case from.shared():
		line("ok: every hash, chain and outcome is correct, up to position %d, where the stream ended when the check began",
			r.Last)
	default:
		line("ok: every checksum, hash, chain and outcome is correct, up to position %d, which is the newest "+
			"acknowledged one or past it (%d)", r.Last, r.Mark.Position)
	}
	return b.String()
}
