package swarm

// State is what is desired of the swarm, and how far the drivers are from it.
type State struct {
	Rules     []Rule  // what is desired, in seq order: rules that no newer one covers
	Drivers   []Drift // known drivers that the query selects, by id
	More      bool    // the query selects further drivers past the last of them
	Converged int     // active drivers that report what is desired of them
	Drifting  int     // active drivers that do not
	Unknown   int     // stale or disconnected drivers: what they do is not known until they are heard again
}

// StateQuery selects the drivers of a State; its counts are of all.
type StateQuery struct {
	After string    // only drivers with a higher id
	Kind  DriftKind // "" for every kind
	Limit int       // 0 for no limit
}

// Rule is one desired command and the drivers that it holds for.
type Rule struct {
	Wanted
	Target    Target
	Matching  int // known drivers for which no newer rule holds
	Converged int // those that are active and report it

	OutsideSplit int // of a total: connected drivers that it holds for and that have no part, because they came after the split

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
	ReportedSeq  uint64       // the newest command that this report counts for; 0: it never reported
	OutsideSplit bool         // a total holds for the driver and it has no part of it, because it came after the split
	Reasons      []DriftCause // why the driver has not converged, or why that is not known; empty when it has
}

// Unknown reports whether what the driver does is not known: nothing was heard of it for too long.
func (d Drift) Unknown() bool { return d.State != Active }

// Kind sums d up in one word.
func (d Drift) Kind() DriftKind {
	switch {
	case d.Unknown():
		return DriftUnknown
	case len(d.Reasons) > 0:
		return DriftDrifting
	}
	return DriftConverged
}

// DriftKind says how a driver compares with what is desired of it.
type DriftKind string

// The kinds of drift.
const (
	DriftConverged DriftKind = "converged"
	DriftDrifting  DriftKind = "drifting"
	DriftUnknown   DriftKind = "unknown"
)

// DriftCause says what of a driver is not as desired.
type DriftCause string

// The causes of drift.
const (
	DriftPlayers      DriftCause = "players"        // it reports another number of players
	DriftSpawnDelay   DriftCause = "spawn_delay_ms" // it reports another spawn delay
	DriftNotReported  DriftCause = "not_reported"   // no report has come since the command was handed over
	DriftDisconnected DriftCause = "disconnected"   // it has no session
	DriftStale        DriftCause = "stale"          // its heartbeats are late
	DriftUnsupported  DriftCause = "unsupported_command"
)

// Progress is how far the drivers of an entry, targeted or left out, are with it by now.
type Progress struct {
	Holds       bool     // false: for every driver of the entry a newer command for the same setting holds
	Outstanding []string // drivers that have not applied the command and for which it still holds, sorted
	Converged   []string // active drivers that report what the command asks for and for which it still holds, sorted

	Deregistered []string // drivers that have deregistered since, sorted; whether the command holds or not
}

// InUse is what of a target known drivers have, when none matches all of it: at most MaxInUse values of each.
type InUse struct {
	Labels    map[string][]string // by label key of the target: the values in use, sorted
	DriverIDs []string            // known drivers that the target names, sorted
}

// MaxInUse bounds each list of an InUse.
const MaxInUse = 20

// Reach is what is known about a target that no driver matches now.
type Reach struct {
	InUse   InUse
	Left    bool // the target has neither labels nor ids, or a driver matched it within the time in which drivers are remembered
	Awaited bool // drivers that match may still return: the server has just started, and drivers have matched or no known driver has a label key with another value
}

// StopProof tells how far a Stop has come: which of its targets have reported 0 players since it was handed over.
type StopProof struct {
	Seq     uint64
	Targets int      // drivers that the Stop was for, left out ones too
	Stopped int      // those whose newest report counts for the Stop and says 0 players, and those that have deregistered
	Pending []string // the others, sorted
}

// What Compare returns, made once: it is asked for each driver of a swarm. Nobody writes to them.
var (
	onlyNotReported = []DriftCause{DriftNotReported}
	onlySpawnDelay  = []DriftCause{DriftSpawnDelay}
	onlyPlayers     = []DriftCause{DriftPlayers}
)

// Compare lists what of a report is not as w desires. since says that the report came after w was handed over.
func (w Wanted) Compare(r Report, since bool) []DriftCause {
	switch {
	case !since:
		return onlyNotReported
	case w.Command.Type == SetSpawnDelay && r.SpawnDelayMS != w.Command.SpawnDelayMS:
		return onlySpawnDelay
	case w.Command.Type == SetPlayers && r.Players != w.Command.Players, w.Command.Type == Stop && r.Players != 0:
		return onlyPlayers
	}
	return nil
}
