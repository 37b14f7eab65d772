package logfile

import (
	"fmt"
	"strings"
)

// DamagedError describes what part of a log cannot be read, and where.
type DamagedError struct {
	Position uint64 // of the first record concerned; 0 when it is not the records that are damaged
	To       uint64 // of the last record concerned
	File     string // below the data directory; "" if the place in the files is not known
	Offset   int64  // bytes from the start of the file
	What     string
	Newer    bool // written by a newer program: it is not damaged, and no loss may be accepted

	absentOnly bool // only absent positions, as after a loss that was accepted
	lossless   bool // no record is lost by it
}

func (e *DamagedError) Error() string {
	var b strings.Builder
	switch {
	case e.Newer:
		fmt.Fprintf(&b, "log record %d cannot be read: ", e.Position)
	case e.Position == 0:
		b.WriteString("the log is damaged: ")
	case e.To > e.Position:
		fmt.Fprintf(&b, "log records %d to %d are damaged: ", e.Position, e.To)
	default:
		fmt.Fprintf(&b, "log record %d is damaged: ", e.Position)
	}
	b.WriteString(e.What)
	if e.File != "" {
		fmt.Fprintf(&b, " (%s at byte %d)", e.File, e.Offset)
	}
	return b.String()
}
