package web

import (
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// withdrawals keeps the newest Stops that the server itself put into the log: resets, and load commands that expired.
// They are no entries, so no page of the log has them.
type withdrawals struct {
	mu  sync.Mutex
	all []swarm.Stored // oldest first; never written to, because others read it
}

// keptWithdrawals bounds them.
const keptWithdrawals = 100

func newWithdrawals(past []swarm.Stored) *withdrawals {
	w := &withdrawals{}
	for _, s := range past {
		w.add(s)
	}
	return w
}

// add takes note of a record, if it is one of them and was not seen before.
func (w *withdrawals) add(s swarm.Stored) {
	switch s.Record.(type) {
	case *swarm.Reset, *swarm.Expired:
	default:
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.all); n > 0 && w.all[n-1].Position >= s.Position {
		return
	}
	w.all = append(slices.Clone(w.all), s)
	if more := len(w.all) - keptWithdrawals; more > 0 {
		w.all = w.all[more:]
	}
}

func (w *withdrawals) list() []swarm.Stored {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.all
}
