package logfile

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Stored is one intact record with its place.
type Stored struct {
	Position uint64
	Record   swarm.Record
	At       time.Time // when the engine stored it
	Bytes    int       // in the file, including the frame around the record
	Block    uint32    // number of its file
	File     string    // name of its file, below the data directory
	Offset   int64     // in the file
	Data     []byte    // the record's bytes; valid only until the function that received them returns
}

// Report is the result of a scan.
type Report struct {
	Blocks  int    // files
	Records uint64 // intact ones
	Bytes   int64  // of the intact ones, in the files
	Last    uint64 // the position at which the log ends
	Heads   Heads  // the newest record of each writer

	LogID string // from the records, or else from the mark
	Epoch uint64
	Mark  Mark

	Lost   []swarm.Span    // positions whose loss has been accepted
	Damage []*DamagedError // in the order of the files
	Torn   *Torn           // the end of an append that was never acknowledged; no damage
	Notes  []string        // harmless faults: the next start repairs them

	rewrite []plan
	meta    bool // the engine's description of the stream fits
}

// Torn is an unfinished write at the log's end, after everything that was acknowledged.
type Torn struct {
	File   string // below the data directory
	Offset int64  // where it begins
	Bytes  int64
}

// Err returns the first damage, or nil.
func (r *Report) Err() error {
	if len(r.Damage) == 0 {
		return nil
	}
	return r.Damage[0]
}

// Newer returns the first record of a newer format, or nil. Such a log is not damaged, and accepting a loss does not
// help.
func (r *Report) Newer() error {
	for _, d := range r.Damage {
		if d.Newer {
			return d
		}
	}
	return nil
}

// LostNow returns the positions of the records that are lost by the damage, in order and without overlap.
func (r *Report) LostNow() []swarm.Span {
	var out []swarm.Span
	for _, d := range r.Damage {
		if d.Position == 0 || d.lossless {
			continue
		}
		if n := len(out); n > 0 && d.Position <= out[n-1].To+1 {
			out[n-1].To = max(out[n-1].To, d.To)
			continue
		}
		out = append(out, swarm.Span{From: d.Position, To: d.To})
	}
	return out
}

// accept drops the damage whose loss a later reset record has accepted.
func (r *Report) accept() {
	open := r.Damage[:0]
	for _, d := range r.Damage {
		if !d.absentOnly || !covered(r.Lost, d.Position, d.To) {
			open = append(open, d)
		}
	}
	r.Damage = open
}

// covered reports whether every position from first to last is in one of the spans.
func covered(spans []swarm.Span, first, last uint64) bool {
	for at := first; at <= last; {
		next := at
		for _, s := range spans {
			if s.From <= at && at <= s.To {
				next = max(next, s.To+1)
			}
		}
		if next == at {
			return false
		}
		at = next
	}
	return true
}
