package logfile

import (
	"time"
)

// Checker checks records that do not come from files as Scan checks those that do: hashes, chains, and positions
// without a gap.
type Checker struct{ s scanner }

// NewChecker returns a checker that calls visit for each intact record; it must be closed.
func NewChecker(visit func(Stored)) (*Checker, error) {
	codec, err := NewCodec()
	if err != nil {
		return nil, err
	}
	return &Checker{scanner{Report: &Report{Heads: Heads{}}, codec: codec, visit: visit}}, nil
}

// Take checks the next record. Its bytes count without a frame around them.
func (c *Checker) Take(pos uint64, at time.Time, data []byte) {
	c.s.frame(frame{size: len(data), pos: pos, at: at, payload: data})
}

// Damage notes other damage of the record at a position.
func (c *Checker) Damage(pos uint64, what string) {
	c.s.damage(DamagedError{Position: pos, To: pos, What: what})
}

// End returns what was found in a log that ends at a position.
func (c *Checker) End(last uint64) *Report {
	if c.s.Last < last {
		c.s.damage(DamagedError{Position: c.s.Last + 1, To: last, What: "it is missing"})
	}
	return c.s.Report
}

// Close ends the checker.
func (c *Checker) Close() { c.s.codec.Close() }
