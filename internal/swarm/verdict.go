package swarm

import "time"

// VerdictKind is how a command ended for one targeted driver.
type VerdictKind uint8

// The verdicts. Undecided is the zero value and never occurs in a closed outcome.
const (
	Undecided VerdictKind = iota
	Acked
	Rejected
	Superseded
	Missing
)

// Reason says why a verdict is Missing.
type Reason string

// The reasons for a missing ack.
const (
	ReasonDeadline      Reason = "deadline"
	ReasonUnresponsive  Reason = "unresponsive"
	ReasonDisconnected  Reason = "disconnected"
	ReasonStale         Reason = "stale"
	ReasonWriteTimeout  Reason = "write_timeout"
	ReasonServerRestart Reason = "server_restart"
	ReasonNodeLost      Reason = "node_lost"
)

// Reasons lists every reason in a fixed order: the log stores a reason as its index here, so the order never changes.
func Reasons() []Reason {
	return []Reason{
		ReasonDeadline, ReasonUnresponsive, ReasonDisconnected, ReasonStale, ReasonWriteTimeout, ReasonServerRestart,
		ReasonNodeLost,
	}
}

// Limits on the texts of a driver's rejection; longer texts are cut.
const (
	MaxRejectCodeBytes   = 64
	MaxRejectDetailBytes = 512
)

// Verdict is how a command ended for one targeted driver.
type Verdict struct {
	Kind    VerdictKind
	Latency time.Duration // of Acked and Rejected: from enqueueing it for the driver's session until the answer
	Reason  Reason        // of Missing
	Code    string        // of Rejected: the driver's code, such as unsupported_command
	Detail  string        // of Rejected: the driver's own text
}

// Answered reports whether the driver has answered.
func (v Verdict) Answered() bool { return v.Kind == Acked || v.Kind == Rejected }

// Reply returns the answer of a driver that has answered.
func (v Verdict) Reply() Reply {
	return Reply{Applied: v.Kind == Acked, Code: v.Code, Detail: v.Detail}
}

// Reply is a driver's answer to one command.
type Reply struct {
	Applied bool
	Code    string // of a rejection
	Detail  string // of a rejection
}

// CodeUnsupportedCommand is the rejection of a command that the driver did not list among its capabilities.
const CodeUnsupportedCommand = "unsupported_command"

// LateAck is an answer that came after its command had been closed.
type LateAck struct {
	DriverID string
	Reply    Reply
	Latency  time.Duration
}
