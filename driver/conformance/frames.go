package conformance

import (
	"strings"
	"unicode"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

const (
	maxWords        = 256 // bytes
	maxLabels       = 32
	maxCapabilities = 32
)

// problemOf describes how a driver's frame differs from its schema, "" if it does not. A test compares it with the
// schemas; they are not used here because a validator would be the largest part of the binary.
func problemOf(f script.Frame) string {
	switch {
	case f.Problem != nil:
		return f.Problem.Error()
	case len(f.Body) > wire.MaxFrameBytes:
		return "it is longer than 32 KiB"
	}
	switch f.Type {
	case wire.TypeRegister:
		return decoded(f, problemOfRegister)
	case wire.TypeHeartbeat:
		return decoded(f, problemOfHeartbeat)
	case wire.TypeCommandAck:
		return decoded(f, problemOfAck)
	case wire.TypeDeregister:
		return decoded(f, func(wire.Deregister) string { return "" })
	case "":
		return "it has no type"
	}
	return "drivers must not send frames of this type"
}

func decoded[T any](f script.Frame, check func(T) string) string {
	var v T
	if err := f.Decode(&v); err != nil {
		return err.Error()
	}
	return check(v)
}

func problemOfRegister(r wire.Register) string {
	switch {
	case !wire.ValidDriverID(r.DriverID):
		return "driver_id is not 1 to 128 of [A-Za-z0-9._:-], or is a reserved word"
	case !words(r.Version) || !words(r.Instance):
		return "version or instance is over 256 bytes or has control characters"
	case len(r.Capabilities) > maxCapabilities || !all(r.Capabilities, words):
		return "more than 32 capabilities, or one is not a word"
	case len(r.Labels) > maxLabels:
		return "more than 32 labels"
	}
	for key, value := range r.Labels {
		if !wire.ValidName(key) || !words(value) {
			return "label " + key + " has a bad key or value"
		}
	}
	return problemOfState(r.State)
}

func problemOfHeartbeat(h wire.Heartbeat) string {
	if len(h.Metrics) > wire.MaxMetrics {
		return "more than 64 metrics"
	}
	for name := range h.Metrics {
		if !words(name) {
			return "a name of metrics is over 256 bytes or has control characters"
		}
	}
	return problemOfState(h.State)
}

func problemOfState(s *wire.State) string {
	if s != nil && s.Negative() {
		return "state has a negative number"
	}
	return ""
}

func problemOfAck(a wire.CommandAck) string {
	if a.Seq == 0 || (a.Status != wire.StatusApplied && a.Status != wire.StatusRejected) {
		return "seq is missing, or status is neither applied nor rejected"
	}
	return ""
}

func words(s string) bool { return len(s) <= maxWords && !strings.ContainsFunc(s, unicode.IsControl) }

func all(list []string, ok func(string) bool) bool {
	for _, s := range list {
		if !ok(s) {
			return false
		}
	}
	return true
}
