package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// What another node says is checked as what drivers say is: by the same limits.

// latest is after every time that a node may send: later ones cannot be written as JSON.
var latest = time.Date(9000, 1, 1, 0, 0, 0, 0, time.UTC)

// checkPresence says what is wrong with the description of a driver, "" for nothing.
func checkPresence(p *swarm.Presence) string {
	if problem := checkIdentity(p.ID, p.Version, p.Instance, p.Capabilities, p.Labels); problem != "" {
		return problem
	}
	switch {
	case !validToken(p.Session), !plain(p.Owner), !plain(p.RemoteAddr):
		return "the session, the owner or the address is not valid"
	case !slices.Contains(swarm.DriverStates(), p.State):
		return "the state is not valid"
	case !validShare(p.Share):
		return "the share is not valid"
	case !plausible(p.Joined), !plausible(p.ConnectedAt):
		return "a time is not valid"
	case p.Reported.Negative():
		return "the report has a negative number"
	case !validSlots(p.Refused):
		return "the refused commands are not valid"
	case p.LastAck != nil && p.LastAck.Latency < 0:
		return "the latency is negative"
	case !validConflict(p.Conflict):
		return "the conflict is not valid"
	}
	return checkMetrics(p.Metrics)
}

// checkDeparture says what is wrong with a departure, "" for nothing.
func checkDeparture(d *swarm.Departure) string {
	if !validToken(d.Session) || !plausible(d.Joined) || !plausible(d.At) {
		return "the session or a time is not valid"
	}
	return checkIdentity(d.DriverID, "", "", nil, d.Labels)
}

func validToken(session string) bool { return session != "" && plain(session) }

func validShare(s swarm.Share) bool {
	return 1 <= s.Weight && s.Weight <= maxWeight*1000 && 0 <= s.Cap && s.Cap <= command.MaxPlayers
}

func validConflict(c *swarm.Conflict) bool {
	return c == nil || c.Takeovers >= 0 && plain(c.RemoteAddrs[0]) && plain(c.RemoteAddrs[1])
}

func plausible(t time.Time) bool { return t.Before(latest) }

func validSlots(refused map[command.Slot]uint64) bool {
	for slot := range refused {
		if slot < 0 || slot >= command.Slots {
			return false
		}
	}
	return true
}
