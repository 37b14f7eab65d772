package drivers

import (
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
	case p.Session == "", !plain(p.Session), !plain(p.Owner), !plain(p.RemoteAddr):
		return "the session, the owner or the address is not valid"
	case p.State != swarm.Active && p.State != swarm.Stale && p.State != swarm.Disconnected:
		return "the state is not valid"
	case p.Share.Weight < 1 || p.Share.Weight > maxWeight*1000 || p.Share.Cap < 0 || p.Share.Cap > command.MaxPlayers:
		return "the share is not valid"
	case !plausible(p.Joined), !plausible(p.ConnectedAt):
		return "a time is not valid"
	case p.Reported.Negative():
		return "the report has a negative number"
	case !validSlots(p.Refused):
		return "the refused commands are not valid"
	case p.LastAck != nil && p.LastAck.Latency < 0:
		return "the latency is negative"
	}
	if c := p.Conflict; c != nil && (c.Takeovers < 0 || !plain(c.RemoteAddrs[0]) || !plain(c.RemoteAddrs[1])) {
		return "the conflict is not valid"
	}
	return checkMetrics(p.Metrics)
}

// checkDeparture says what is wrong with a departure, "" for nothing.
func checkDeparture(d *swarm.Departure) string {
	if d.Session == "" || !plain(d.Session) || !plausible(d.Joined) || !plausible(d.At) {
		return "the session or a time is not valid"
	}
	return checkIdentity(d.DriverID, "", "", nil, d.Labels)
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
