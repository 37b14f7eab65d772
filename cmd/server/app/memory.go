package app

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/dispatch"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// memory is what the log is remembered by from one process to the next.
type memory struct {
	desired *swarm.Desired
	keys    *dispatch.Keys
	loaded  time.Time // when load was last asked of drivers that were there

	withdrawals []swarm.Stored // newest resets and expired commands, oldest first
}

// keptWithdrawals bounds them: the dashboard says why a driver is asked for nothing.
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

// lastSession is when a driver was last connected. The mark tells it only now and then: a server that was killed soon
// after its first driver came has not marked it, and the load of now would be taken for yesterday's.
func (m *memory) lastSession(marked time.Time) time.Time {
	if m.loaded.After(marked) {
		return m.loaded
	}
	return marked
}
