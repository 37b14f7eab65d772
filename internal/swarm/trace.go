package swarm

import "strings"

// Trace is the place of a request in a distributed trace, as the headers of W3C Trace Context give it. The zero Trace
// is none.
type Trace struct {
	Parent string // a valid traceparent of version 00
	State  string // the tracestate that came with it; "" for none
}

// maxTraceState is the most of a tracestate that is kept; W3C Trace Context asks for at least as much.
const maxTraceState = 512

// TraceOf reads the headers traceparent and tracestate, each with all its values. An invalid traceparent is ignored, as
// the specification requires. So is a tracestate without a valid traceparent.
func TraceOf(parents, states []string) Trace {
	if len(parents) != 1 {
		return Trace{}
	}
	parent, ok := Traceparent(parents[0])
	if !ok {
		return Trace{}
	}
	state := strings.Join(states, ",")
	if len(state) > maxTraceState || HasSecret(state) || strings.ContainsFunc(state, notPrintable) {
		state = ""
	}
	return Trace{Parent: parent, State: state}
}

// The parts of a traceparent: version, trace id, parent id and flags.
const (
	traceAt, traceEnd   = 3, 35
	parentAt, parentEnd = 36, 52
	flagsAt, flagsEnd   = 53, 55
)

// Traceparent returns a valid traceparent as version 00, which has one flag: whether the trace is sampled. A later
// version may have more flags and parts, which are left out. ok is false for anything else.
func Traceparent(s string) (parent string, ok bool) {
	if len(s) < flagsEnd || s[traceAt-1] != '-' || s[traceEnd] != '-' || s[parentEnd] != '-' {
		return "", false
	}
	version, trace, span, flags := s[:traceAt-1], s[traceAt:traceEnd], s[parentAt:parentEnd], s[flagsAt:flagsEnd]
	switch {
	case !lowerHex(version), !lowerHex(trace), !lowerHex(span), !lowerHex(flags), version == "ff":
		return "", false
	case strings.Trim(trace, "0") == "", strings.Trim(span, "0") == "":
		return "", false
	case len(s) > flagsEnd && (version == "00" || s[flagsEnd] != '-'):
		return "", false
	}
	parent = "00-" + trace + "-" + span
	if strings.Contains("13579bdf", flags[1:]) { // the bit that says that the trace is sampled
		return parent + "-01", true
	}
	return parent + "-00", true
}

// TraceID returns the id of the trace of a valid traceparent, and "" for "".
func TraceID(parent string) string {
	if len(parent) < traceEnd {
		return ""
	}
	return parent[traceAt:traceEnd]
}

func notPrintable(r rune) bool { return r < ' ' || r > '~' }

func lowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// Follower follows one submission in a trace. Its methods do not block, and only the first call of any of them counts.
type Follower interface {
	// Issued says that the submission has become the command seq. It is called before the outcome is in the log.
	Issued(seq uint64)
	// Replayed says that an earlier submission with the same idempotency key has become the command seq.
	Replayed(seq uint64)
	// Refused says that there is no command.
	Refused(err error)
}

// Refuse tells the follower of s, if there is one, that s is refused. It returns err.
func (s *Submission) Refuse(err error) error {
	if s.Follower != nil {
		s.Follower.Refused(err)
	}
	return err
}
