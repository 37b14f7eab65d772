package app

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// memory is what one process restores from the log of the previous one.
type memory struct {
	desired *swarm.Desired
	keys    *dispatch.Keys
	loaded  time.Time // when load was last commanded on connected drivers

	withdrawals []swarm.Stored // newest resets and expired commands, oldest first
}

// keptWithdrawals limits their number; the dashboard uses them to explain why a driver has no desired load.
const keptWithdrawals = 100

func newMemory() *memory { return &memory{desired: &swarm.Desired{}, keys: dispatch.NewKeys()} }

// take replays one stored record.
func (m *memory) take(pos uint64, r swarm.Record) {
	switch r := r.(type) {
	case *swarm.Issued:
		m.desired.Issue(r.Issue(pos))
		m.keys.Remember(pos, r)
		if row, _ := r.Command.Type.Row(); row.Level { // which is refused unless a driver is active
			m.loaded = r.SubmittedAt
		}
	case *swarm.Reset:
		m.desired.Reset(pos)
		m.withdrawn(pos, r)
	case *swarm.Expired:
		m.desired.Expire(pos, r)
		m.withdrawn(pos, r)
	}
}

func (m *memory) withdrawn(pos uint64, r swarm.Record) {
	m.withdrawals = append(m.withdrawals, swarm.Stored{Position: pos, Record: r})
	if more := len(m.withdrawals) - keptWithdrawals; more > 0 {
		m.withdrawals = append(m.withdrawals[:0], m.withdrawals[more:]...)
	}
}

// lastSession returns when a driver was last connected. The mark is written only at intervals: if a server was killed
// soon after its first driver connected, the mark is too old, and the present load would count as abandoned.
func (m *memory) lastSession(marked time.Time) time.Time {
	if m.loaded.After(marked) {
		return m.loaded
	}
	return marked
}
