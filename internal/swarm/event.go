package swarm

import "sync"

// Stored is a record with its position in the log.
type Stored struct {
	Position uint64
	Record   Record
}

// Seq returns the seq of the entry that the record belongs to, 0 for a reset and for an expired command.
func (s Stored) Seq() uint64 {
	switch r := s.Record.(type) {
	case *Issued:
		return s.Position
	case *Closed:
		return r.Seq
	case *Late:
		return r.Seq
	default:
		return 0
	}
}

// Event is a stored record as readers of the log receive it. All readers share it, so it must not be changed.
type Event struct {
	Stored
	// the command that the record belongs to; nil for a reset or an expired command, and for a record whose command is
	// lost
	Issued *Issued

	once    sync.Once
	encoded []byte
}

// Encoded returns the result of encode, which is called once for all readers.
func (e *Event) Encoded(encode func(*Event) []byte) []byte {
	e.once.Do(func() { e.encoded = encode(e) })
	return e.encoded
}

// EventQuery selects records of a submitter's commands, as events.
type EventQuery struct {
	Submitter string
	Common    bool   // also records that belong to no command
	After     uint64 // only records past this position
	UpTo      uint64 // the last position to examine
	Limit     int
}
