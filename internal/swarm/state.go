package swarm

// State is what is desired of the swarm, and how far the drivers are from it.
type State struct {
	Rules     []Rule  // what is desired, in seq order: rules that no newer one covers
	Drivers   []Drift // every known driver, by id
	Converged int     // drivers with an open session that report what is desired of them
	Drifting  int     // drivers with an open session that do not
	Unknown   int     // disconnected drivers: what they do is not known until they are back
}

// Rule is one desired command and the drivers that it holds for.
type Rule struct {
	Wanted
	Target    Target
	Matching  int // known drivers for which no newer rule holds
	Converged int // those with an open session that report it

	Unconfirmed int64 // of a total: players of drivers that are lost, and may run them until their lease has run out
}

// Drift is what is desired of one driver against what it reports.
type Drift struct {
	DriverID     string
	State        DriverState
	Unresponsive bool
	Desired      []Wanted // in seq order, at most one per slot
	AppliedSeq   uint64
	Reported     Report
	ReportedSeq  uint64       // the last command that was handed over before this report came; 0: it never reported
	Reasons      []DriftCause // why the driver has not converged; empty when it has
}

// DriftCause says what of a driver is not as desired.
type DriftCause string

// The causes of drift.
const (
	DriftPlayers      DriftCause = "players"        // it reports another number of players
	DriftSpawnDelay   DriftCause = "spawn_delay_ms" // it reports another spawn delay
	DriftNotReported  DriftCause = "not_reported"   // no report has come since the command was handed over
	DriftDisconnected DriftCause = "disconnected"   // it has no session
)

// Converged reports whether the driver does what is desired of it, as far as it says.
func (d Drift) Converged() bool { return len(d.Reasons) == 0 }

// StopProof tells how far a Stop has come: which of its targets have reported 0 players since it was handed over.
type StopProof struct {
	Seq     uint64
	Targets int
	Stopped int      // targets whose newest report came after the Stop and says 0 players
	Pending []string // the others, sorted
}

// Compare lists what of a report is not as w desires. since says that the report came after w was handed over.
func (w Wanted) Compare(r Report, since bool) []DriftCause {
	switch {
	case !since:
		return []DriftCause{DriftNotReported}
	case w.Command.Type == SetSpawnDelay && r.SpawnDelayMS != w.Command.SpawnDelayMS:
		return []DriftCause{DriftSpawnDelay}
	case w.Command.Type == SetPlayers && r.Players != w.Command.Players, w.Command.Type == Stop && r.Players != 0:
		return []DriftCause{DriftPlayers}
	}
	return nil
}
