package driver

import "github.com/swarmcall/swarmcall/command"

// remembered is the number of answers that a driver keeps, and of commands that may wait: so the answer to every
// waiting command is kept.
const remembered = 256

// answer is the driver's answer to a command: a rejection, or nil for applied.
type answer struct {
	seq       uint64
	rejection *Rejection
}

// memory is the driver's record of the log that it follows, so that a command is applied once, however often it is
// sent. It has no lock: the worker guards it.
type memory struct {
	logID   string
	applied uint64                // highest seq that was answered
	last    [command.Slots]answer // newest answer in each slot: what the driver does now
	recent  []answer              // ring of the last answers; next is the oldest once it is full
	next    int
}

// enter makes m the memory of a log. Seqs of another log have no meaning here, so m forgets them.
func (m *memory) enter(logID string) (forgot bool) {
	if m.logID == logID {
		return false
	}
	forgot = m.applied > 0
	*m = memory{logID: logID}
	return forgot
}

// recall returns the answer to repeat for c, if c must not be applied again.
//
// A live command is checked against the highest seq. A desired command is not: after a change of labels it may be older
// than the newest applied command, and still be in force. So it is compared with the newest answer in its own slot.
func (m *memory) recall(c Command) (*Rejection, bool) {
	if c.Desired {
		if s, known := slotOf(c); known && m.last[s].seq == c.Seq {
			return m.last[s].rejection, true
		}
		return nil, false
	}
	if c.Seq > m.applied {
		return nil, false
	}
	for i := range m.recent {
		if a := m.recent[(m.next+i)%len(m.recent)]; a.seq == c.Seq {
			return a.rejection, true
		}
	}
	for _, a := range m.last {
		if a.seq == c.Seq {
			return a.rejection, true
		}
	}
	return nil, true
}

// stopped records that the load was stopped by something other than a command: the answer in the load slot no longer
// describes the load. So whatever the server desires has to be applied, even if it was applied before.
func (m *memory) stopped() { m.last[command.LoadSlot] = answer{} }

// slotOf returns the slot of a command; known is false for a type of a later version.
func slotOf(c Command) (s command.Slot, known bool) { return c.Command().Slot(), c.Type.Known() }

// remember records the answer to c. A rejection because of a local stop is not kept in the slot.
func (m *memory) remember(c Command, rejection *Rejection) {
	a := answer{c.Seq, rejection}
	m.applied = max(m.applied, c.Seq)
	switch s, known := slotOf(c); {
	case !known:
	case rejection != nil && rejection.Code == codeStopped:
		m.last[s] = answer{}
	default:
		m.last[s] = a
	}
	if len(m.recent) < remembered {
		m.recent = append(m.recent, a)
		return
	}
	m.recent[m.next] = a
	m.next = (m.next + 1) % remembered
}
