package driver

import "github.com/swarmcall/swarmcall/command"

// remembered is how many answers a driver keeps, and how many commands may wait: whatever waits, its answer is kept.
const remembered = 256

// answer is what the driver said to a command: a rejection, or nil for applied.
type answer struct {
	seq       uint64
	rejection *Rejection
}

// memory is what a driver knows of the log it follows, so that a command is applied once however often it is sent.
// It is pure: the worker guards it.
type memory struct {
	logID   string
	applied uint64                // highest seq that was answered
	last    [command.Slots]answer // newest answer in each slot: what the driver does now
	recent  []answer              // ring of the last answers; next is the oldest once it is full
	next    int
}

// enter makes m the memory of a log. Seqs of another log mean nothing here, so it forgets what it holds of one.
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
// A live command is fenced by the highest seq. What is desired is not: after a change of labels it may be older than
// what the driver applied, and yet be what counts. So it is compared with what its own slot holds.
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

// stopped notes that the load was stopped for another reason than a command: what the load slot holds is not what the
// driver does, so whatever the server desires has to be applied, also what was applied before.
func (m *memory) stopped() { m.last[command.LoadSlot] = answer{} }

// slotOf is the slot of a command; it is not known of a type of tomorrow.
func slotOf(c Command) (s command.Slot, known bool) { return c.Command().Slot(), c.Type.Known() }

// remember notes the answer to c. One that holds only while a local stop is engaged does not stay in the slot.
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
