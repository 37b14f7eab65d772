package view

import (
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Tone is the severity of a state. A page shows it as colour and icon, always beside a word.
type Tone string

// The tones.
const (
	OK   Tone = "ok"   // on target
	Busy Tone = "busy" // changing
	Warn Tone = "warn" // needs attention
	Bad  Tone = "bad"  // off target
	Off  Tone = "off"  // neutral
)

// worse is the tone that needs more attention.
func worse(a, b Tone) Tone {
	order := []Tone{Off, OK, Busy, Warn, Bad}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}

// Badge is a state in one word.
type Badge struct {
	Tone Tone
	Word string
}

// driverBadge shows a driver's state. It is not green for a driver that misses deadlines or whose id several processes
// use.
func driverBadge(d swarm.Driver) Badge {
	if inConflict(d) {
		return Badge{Warn, "id conflict"}
	}
	if d.State == swarm.Active && d.Unresponsive {
		return Badge{Warn, "unresponsive"}
	}
	return DriverBadge(d.State)
}

// inConflict reports whether several processes use the id of a driver. When all of them are lost, only that counts.
func inConflict(d swarm.Driver) bool { return d.Conflict != nil && d.State != swarm.Disconnected }

// DriverBadge shows a state.
func DriverBadge(s swarm.DriverState) Badge {
	switch s {
	case swarm.Active:
		return Badge{OK, "active"}
	case swarm.Stale:
		return Badge{Warn, "stale"}
	case swarm.Disconnected:
		return Badge{Bad, "disconnected"}
	}
	return Badge{Off, string(s)}
}

// StatusBadge shows a command's status.
func StatusBadge(s swarm.Status) Badge {
	switch s {
	case swarm.Pending:
		return Badge{Busy, "pending"}
	case swarm.Complete:
		return Badge{OK, "complete"}
	case swarm.Partial:
		return Badge{Warn, "partial"}
	case swarm.Failed:
		return Badge{Bad, "failed"}
	case swarm.SupersededStatus:
	}
	return Badge{Off, string(s)}
}
