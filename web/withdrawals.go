package web

import (
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// withdrawals keeps the newest Stops that the server itself has logged: resets, and load commands that expired. They
// are not entries, so no page of the log contains them.
type withdrawals struct {
	mu  sync.Mutex
	all []swarm.Stored // oldest first; never modified, because other goroutines read it
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

// add records a withdrawal that was not seen before, and ignores other records.
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
