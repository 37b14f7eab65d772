package driver

import (
	"context"
	"slices"
)

// halt makes the handler stop the load before it gets another command. A lost lease also voids the waiting commands:
// they are older than the loss, and those still in force arrive as desired at the next register.
func (w *worker) halt(by Origin) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if by == FromLease {
		w.term++
	}
	if !slices.Contains(w.halts, by) {
		w.halts = append(w.halts, by)
	}
	select {
	case w.urgent <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// obey makes the handler carry out the halts.
func (w *worker) obey(ctx context.Context) {
	for ctx.Err() == nil {
		by, ok := w.nextHalt()
		if !ok {
			return
		}
		c := Command{Type: Stop, Origin: by}
		rejection := w.call(ctx, c)
		if rejection != nil {
			w.log.Error("the handler did not stop the load", "origin", by, "code", rejection.Code,
				"detail", rejection.Detail)
		}
		w.mu.Lock()
		if rejection == nil {
			w.state = w.state.After(c.Command())
		}
		w.memory.stopped()
		w.mu.Unlock()
	}
}

func (w *worker) nextHalt() (by Origin, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.halts) == 0 {
		return 0, false
	}
	by, w.halts = w.halts[0], w.halts[1:]
	return by, true
}

func (w *worker) currentTerm() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.term
}
