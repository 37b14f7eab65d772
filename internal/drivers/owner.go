package drivers

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A driver id belongs to the principal that registered it, until the driver deregisters or is forgotten. It belongs to
// the name and not to the credential, so that a token can be replaced. Without authentication ids belong to nobody, and
// earlier owners do not matter: a server that was started again without it must not lock out its drivers.

// ownership is what a previous process knew about the owner of a driver id.
type ownership struct {
	name string
	at   time.Time // when the driver was last connected
}

// ownerName returns the name that the drivers of a principal belong to; "" while authentication is off.
func ownerName(p swarm.Principal) string {
	if p.Credential == swarm.Anonymous {
		return ""
	}
	return p.Name
}

// ownersOf returns the owners of the drivers that the previous process knew.
func ownersOf(past []swarm.Former) map[string]ownership {
	owners := map[string]ownership{}
	for _, d := range slices.SortedFunc(slices.Values(past),
		func(a, b swarm.Former) int { return a.At.Compare(b.At) }) {
		switch {
		case d.Deregistered:
			delete(owners, d.ID)
		case d.Owner != "":
			owners[d.ID] = ownership{d.Owner, d.At}
		}
	}
	return owners
}

// ownerOf returns who a driver id belongs to, "" for nobody. The lock is held.
func (r *Registry) ownerOf(id string, now time.Time) string {
	if m := r.members[id]; m != nil {
		if r.forgotten(m, now) {
			return ""
		}
		return m.owner
	}
	if o := r.owners[id]; now.Sub(o.at) < r.cfg.knownFor() {
		return o.name
	}
	return ""
}

// refusal is why a driver may not register. The zero value is none.
type refusal struct {
	close  wire.CloseCode
	code   string // of the error frame
	detail string // "" if the close code says enough, or the driver has been told
}

// admitDriver makes s the session of its driver, or says why not. Whether the principal may register the driver is
// checked before the driver's claims are judged, because a claim can stop the swarm.
func (r *Registry) admitDriver(s *session, reg *wire.Register) refusal {
	r.mu.Lock()
	no := r.bar(s, reg, time.Now())
	r.mu.Unlock()
	if no.close == 0 {
		no = r.checkApplied(s, reg)
	}
	if no.close != 0 {
		return no
	}
	return r.join(s, reg)
}

// bar says why a driver may not register now. The lock is held.
func (r *Registry) bar(s *session, reg *wire.Register, now time.Time) refusal {
	switch {
	case !r.accepting:
		s.drain(wire.ReconnectBase)
	case r.leaving:
		s.drain(rand.N(reconnectSpan)) //nolint:gosec // spreads load; not a secret
	}
	if !r.accepting || r.leaving || s.dismissed {
		return refusal{close: wire.CloseDrain} // only if no other close is on its way
	}
	p := s.principal
	if reason := p.MayRegister(reg.DriverID, reg.Labels); reason != "" {
		return refusal{wire.CloseNotYours, wire.ErrorForbidden, reason}
	}
	owner := r.ownerOf(reg.DriverID, now)
	if owner != "" && p.Credential != swarm.Anonymous && owner != p.Name {
		return refusal{wire.CloseNotYours, wire.ErrorForbidden, fmt.Sprintf(
			"driver id %s belongs to %s until it deregisters or is forgotten", reg.DriverID, owner)}
	}
	if most := r.cfg.MaxDrivers; most > 0 && len(r.members) >= most && r.members[reg.DriverID] == nil {
		return refusal{wire.CloseOverloaded, wire.ErrorTooManyDrivers, fmt.Sprintf(
			"the server knows %d drivers, and accepts no more; lost drivers count until they are forgotten", most)}
	}
	return refusal{}
}
