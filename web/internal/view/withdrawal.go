package view

import (
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A withdrawal is a Stop that the server itself put into the log: a reset, or a load command that expired.

// withdrawal returns the record at a position, or nil if it is not a withdrawal, or is too old to be kept.
func (w World) withdrawal(seq uint64) swarm.Record {
	for _, s := range w.Withdrawals {
		if s.Position == seq {
			return s.Record
		}
	}
	return nil
}

// withdrawn says why the server itself has set the target of a driver to 0.
func (w World) withdrawn(seq uint64) string {
	switch r := w.withdrawal(seq).(type) {
	case *swarm.Reset:
		return "the server: old load does not restart automatically (" + r.Cause + ")"
	case *swarm.Expired:
		expired := "#" + strconv.FormatUint(r.Replaced, 10) + " to " + To(r.Target)
		return "the server: " + expired + " has expired (" + r.Cause + ")"
	default:
		return "the server: old load does not restart automatically"
	}
}

// expiry says for which drivers and why a command has expired; "" when it has not.
func (w World) expiry(seq uint64) string {
	for i := len(w.Withdrawals) - 1; i >= 0; i-- {
		if r, ok := w.Withdrawals[i].Record.(*swarm.Expired); ok && r.Replaced == seq {
			return "for " + To(r.Target) + ", " + At(r.At).ISO + ": " + r.Cause +
				". Drivers that reconnect run 0 players."
		}
	}
	return ""
}
