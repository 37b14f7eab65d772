package swarm

// State is the desired state of the swarm, and how far the drivers are from it.
type State struct {
	Rules     []Rule  // what is desired, in seq order: rules that no newer one covers
	Drivers   []Drift // known drivers that the query selects, by id
	More      bool    // the query matches more drivers after these
	Converged int     // active drivers that report their desired state
	Drifting  int     // active drivers that do not
	Unknown   int     // stale or disconnected drivers: their present state is not known
}

// StateQuery selects the drivers of a State; its counts cover all drivers.
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

	// of a total: connected drivers that it holds for but that have no share, because they joined after the split
	OutsideSplit int

	Unconfirmed int64 // of a total: players of lost drivers that may keep running them until their lease expires
}

// Drift compares the desired state of one driver with its report.
type Drift struct {
	DriverID     string
	State        DriverState
	Unresponsive bool
	Desired      []Wanted // in seq order, at most one per slot
	AppliedSeq   uint64
	Reported     Report
	ReportedSeq  uint64       // the newest command that this report counts for; 0: it never reported
	OutsideSplit bool         // a total holds for the driver but it has no share, because it joined after the split
	Reasons      []DriftCause // why the driver has not converged, or why that is not known; empty if it has
}

// Unknown reports whether the driver's state is unknown, because nothing was heard from it for too long.
func (d Drift) Unknown() bool { return d.State != Active }

// Kind summarizes d in one word.
func (d Drift) Kind() DriftKind {
	switch {
	case d.Unknown():
		return DriftUnknown
	case len(d.Reasons) > 0:
		return DriftDrifting
	}
	return DriftConverged
}

// DriftKind classifies a driver's state against its desired state.
type DriftKind string

// The kinds of drift.
const (
	DriftConverged DriftKind = "converged"
	DriftDrifting  DriftKind = "drifting"
	DriftUnknown   DriftKind = "unknown"
)

// DriftCause names the part of a driver's state that is not as desired.
type DriftCause string

// The causes of drift besides values that differ: those are named by the rows of the command table.
const (
	DriftNotReported  DriftCause = "not_reported" // no report has come since the command was sent
	DriftDisconnected DriftCause = "disconnected" // it has no session
	DriftStale        DriftCause = "stale"        // its heartbeats are late
	DriftUnsupported  DriftCause = "unsupported_command"
)

// Progress reports how far the drivers of an entry, targeted or left out, have followed it by now.
type Progress struct {
	Holds       bool     // false: for every driver of the entry a newer command for the same setting holds
	Outstanding []string // drivers that have not applied the command and for which it still holds, sorted
	Converged   []string // active drivers that report what the command requires and for which it still holds, sorted

	Deregistered []string // drivers that have deregistered since, sorted; whether the command holds or not
}

// InUse holds the values of a target that known drivers have, if no driver matches all of it: at most MaxInUse of each.
type InUse struct {
	Labels    map[string][]string // by label key of the target: the values in use, sorted
	DriverIDs []string            // known drivers that the target names, sorted
}

// MaxInUse bounds each list of an InUse.
const MaxInUse = 20

// Reach is what is known about a target that no driver matches now.
type Reach struct {
	InUse InUse
	// the target has neither labels nor ids, or a driver matched it within the time in which drivers are remembered
	Left bool
	// drivers that match may still return: the server has just started, and drivers have matched or no known driver has
	// a label key with another value
	Awaited bool
}

// StopProof reports the progress of a Stop: which of its targets have reported 0 players since it was sent.
type StopProof struct {
	Seq     uint64
	Targets int // drivers that the Stop was for, including those left out
	// those whose newest report counts for the Stop and says 0 players, and those that have deregistered
	Stopped int
	Pending []string // the others, sorted
}

// Compare lists the parts of a report that differ from w. since says that the report came after w was sent.
func (w Wanted) Compare(r Report, since bool) []DriftCause {
	if !since {
		return []DriftCause{DriftNotReported}
	}
	var causes []DriftCause
	for _, reason := range r.Drift(w.Command) {
		causes = append(causes, DriftCause(reason))
	}
	return causes
}
