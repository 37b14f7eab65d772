package swarm

import "time"

// Record is one record of the log: *Issued, *Closed, *Late, *Reset or *Expired.
type Record interface{ record() }

// Issued is a command with its fixed targets. Its position in the log is the seq of the entry.
type Issued struct {
	Node        string
	Submitter   string
	Command     Command
	Target      Target
	Targets     []string // ids of the targeted drivers, sorted; fixed when the command was issued
	Deadline    time.Duration
	SubmittedAt time.Time
	Split       []int64 // of a command with Total: how many each of Targets is to run, in their order
	LeftOut     []LeftOut
	Condition   *Condition // nil: the command was sent without if_seq
	Cause       string     // why the server issued it itself; "" when a submitter did
	Key         string     // idempotency key, "" for none
	RequestHash []byte     // hash of the decoded request, when there is a key
	Via         *Via       // how the request came in; nil without authentication, and if the server acted itself
}

// Via says how a request came in.
type Via struct {
	Credential string // identifies the credential; see Principal
	RemoteAddr string
	RequestID  string
	Server     bool // the server itself acted; the other fields are empty
}

// LeftOut is a known driver that matched the target but was not targeted.
type LeftOut struct {
	DriverID string
	Reason   LeftOutReason
}

// LeftOutReason says why a driver was left out.
type LeftOutReason string

// The reasons for leaving a driver out. The log stores these strings.
const (
	LeftOutStale        LeftOutReason = "stale"
	LeftOutDisconnected LeftOutReason = "disconnected"
	// the command is conditional, and a newer one of another submitter holds for the driver
	LeftOutOtherRun LeftOutReason = "other_run"
)

// LeftOutReasons lists every reason in the order documents show them.
func LeftOutReasons() []LeftOutReason {
	return []LeftOutReason{LeftOutStale, LeftOutDisconnected, LeftOutOtherRun}
}

// Condition is the condition that a command was sent with: no load command newer than IfSeq concerns its target. It
// also applies later: the command never replaces, on any driver, a load command of another submitter that is newer than
// Base. Base is IfSeq, or the base of the conditional command of the same submitter that IfSeq names.
type Condition struct{ IfSeq, Base uint64 }

// Issue is the command under its seq, on its way to the drivers.
func (i *Issued) Issue(seq uint64) Issue {
	return Issue{
		Seq: seq, Submitter: i.Submitter, Command: i.Command, Target: i.Target, Targets: i.Targets, Split: i.Split,
		Condition: i.Condition,
		Deadline:  i.Deadline,
	}
}

// CameVia returns how the command came in; nil if that was not recorded.
func (i *Issued) CameVia() *Via {
	if i.Via == nil && i.Cause != "" {
		return &Via{Server: true}
	}
	return i.Via
}

// Shortfall returns how many players of a total no driver had capacity for.
func (i *Issued) Shortfall() int64 {
	if !i.Command.Total {
		return 0
	}
	left := i.Command.Value
	for _, n := range i.Split {
		left -= n
	}
	return left
}

// Closed is the outcome of the entry Seq: one verdict per target, in the order of Issued.Targets.
type Closed struct {
	Seq      uint64
	Node     string
	ClosedAt time.Time
	Duration time.Duration // from the moment Issued was durable
	Verdicts []Verdict
}

// Late holds answers that came after the entry Seq had been closed.
type Late struct {
	Seq  uint64
	Node string
	At   time.Time
	Acks []LateAck
}

// Reset counts as a Stop for every driver, so that earlier load does not start again on its own.
type Reset struct {
	Node  string
	At    time.Time
	Cause string // why, for human readers
	LogID string // identity of the log
	Epoch uint64 // of the log; increases with every accepted loss
	Lost  []Span // positions whose records are lost, and whose loss the operator accepted
}

// Expired replaces a load command that no known driver has matched for a while. It is a Stop for the same target, with
// the order of the replaced command. Drivers of the target that reconnect must not start the old load.
type Expired struct {
	Node     string
	At       time.Time
	Replaced uint64 // seq of the command
	Target   Target // for which the command still held
	Cause    string // why, for human readers
}

// Span is a range of log positions, both ends included.
type Span struct{ From, To uint64 }

func (*Issued) record()  {}
func (*Closed) record()  {}
func (*Late) record()    {}
func (*Reset) record()   {}
func (*Expired) record() {}
