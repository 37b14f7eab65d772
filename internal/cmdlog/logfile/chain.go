package logfile

import (
	"maps"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Heads are the newest records of each writer: the next record of a writer names the hash of its head. One chain per
// writer, so that several can share a log without a lock between them.
type Heads map[string]Head

// Head is the newest record of one writer.
type Head struct {
	Position uint64
	Sum      Sum
}

// Clone returns an independent copy.
func (h Heads) Clone() Heads { return maps.Clone(h) }

// Writer returns the name of the node that wrote r.
func Writer(r swarm.Record) string {
	switch r := r.(type) {
	case *swarm.Issued:
		return r.Node
	case *swarm.Closed:
		return r.Node
	case *swarm.Late:
		return r.Node
	case *swarm.Reset:
		return r.Node
	case *swarm.Expired:
		return r.Node
	default:
		return ""
	}
}
