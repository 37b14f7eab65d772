package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// Copied describes the content of a backup.
type Copied struct {
	To           string `json:"to"`
	LogID        string `json:"log_id"`
	Records      uint64 `json:"records"`
	LastPosition uint64 `json:"last_position"`
	Files        int    `json:"files"`
	Bytes        int64  `json:"bytes"`
	CutBytes     int64  `json:"cut_bytes"` // of an unfinished write at the log's end, which is not in the copy
}

// Backup copies the log in dir to a new directory, and prints what was copied, as text or as JSON.
func Backup(ctx context.Context, dir, to string, asJSON bool, out io.Writer) error {
	r, err := logfile.Backup(ctx, dir, to)
	if err != nil {
		return noBackup(dir, r, err)
	}
	c := Copied{
		To: to, LogID: logName(r.LogID, r.Epoch),
		Records: r.Records, LastPosition: r.Last, Files: r.Blocks, Bytes: r.Bytes,
	}
	if r.Torn != nil {
		c.CutBytes = r.Torn.Bytes
	}
	if asJSON {
		return json.NewEncoder(out).Encode(c)
	}
	_, err = io.WriteString(out, c.text(r))
	return err
}

func (c Copied) text(r *logfile.Report) string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-18s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("log", "%s", c.LogID)
	line("backup", "%s", c.To)
	line("records", "%d, up to position %d", c.Records, c.LastPosition)
	line("bytes", "%d in %d files", c.Bytes, c.Files)
	if t := r.Torn; t != nil {
		line("cut off", "%d bytes of an unfinished write that was never acknowledged, from byte %d of %s on",
			t.Bytes, t.Offset, t.File)
	}
	for _, note := range r.Notes {
		line("harmless", "%s", note)
	}
	return b.String()
}

// noBackup explains why there is no backup. r is the report of a log that was read and cannot be copied, or nil.
func noBackup(dir string, r *logfile.Report, err error) error {
	what := "no backup was made of the log in " + dir
	switch {
	case errors.Is(err, context.Canceled):
		return &clierr.Error{Code: clierr.Interrupted, What: what + ": interrupted"}
	case errors.Is(err, logfile.ErrNoLog):
		return noLog(dir)
	case errors.Is(err, logfile.ErrTarget):
		hint := "name a directory that does not exist yet: --to DIR"
		return &clierr.Error{Code: clierr.Failed, What: what, Cause: err, Hint: hint}
	case r != nil:
		return damaged(Source{Dir: dir}, r.Damage)
	}
	return &clierr.Error{Code: clierr.Failed, What: what, Cause: err}
}
