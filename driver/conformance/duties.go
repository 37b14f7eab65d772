package conformance

// Duty is one of the numbered duties of docs/protocol.md.
type Duty int

// The duties.
const (
	Handshake Duty = 1 + iota
	RegisterFirst
	OneIdentity
	Frames
	Heartbeats
	AccurateReports
	Order
	Once
	Stop
	ExplicitRejection
	Lenient
	Pings
	Desired
	ReportProgress
	AnotherLog
	Reconnect
	Drain
	CloseCodes
	Lease
	Resume
	LocalLimits
	Leave
	lastDuty = Leave
)

// Names of the last release.
const (
	TheTruth    = AccurateReports   // Deprecated: use AccurateReports.
	RefuseAloud = ExplicitRejection // Deprecated: use ExplicitRejection.
	SayHowFar   = ReportProgress    // Deprecated: use ReportProgress.
	TakeUp      = Resume            // Deprecated: use Resume.
)

var titles = [...]string{
	Handshake: "Handshake", RegisterFirst: "Register first", OneIdentity: "One identity", Frames: "Frames",
	Heartbeats: "Heartbeats", AccurateReports: "Accurate reports", Order: "Order and answer", Once: "Once",
	Stop: "Stop", ExplicitRejection: "Explicit rejection", Lenient: "Be lenient", Pings: "Pings",
	Desired: "Desired", ReportProgress: "Report progress", AnotherLog: "Another log", Reconnect: "Reconnect",
	Drain: "Drain", CloseCodes: "Close codes", Lease: "Lease",
	Resume: "Report and resume", LocalLimits: "Local limits first", Leave: "Deregister",
}

// Title returns the duty's heading in docs/protocol.md.
func (d Duty) Title() string { return titles[d] }

// untried explains why the script did not try a duty.
func (d Duty) untried() string {
	switch d {
	case LocalLimits:
		return "limits are up to the driver"
	case Leave:
		return "the driver was not ended"
	}
	return "the script did not reach it, or the driver supports or reports too little"
}
