package swarm

import "errors"

// Appended are records that were appended together, in the order of the log. Every node receives each append once.
type Appended struct {
	First   uint64 // position of the first record
	Records []Record
	Own     bool // of the append that this process is waiting for
}

// Last returns the position of the last record.
func (a Appended) Last() uint64 { return a.First + uint64(len(a.Records)) - 1 }

// ErrConflict says that nothing was appended, because the log has grown since the decision: it must be made again.
var ErrConflict = errors.New("another record was appended first")
