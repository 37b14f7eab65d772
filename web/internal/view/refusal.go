package view

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Refusal explains why the submission s was refused, in the terms of the pages. The detail of err uses the terms of the
// API.
func (w World) Refusal(s swarm.Submission, err *swarm.Error) Failure {
	f := Failure{Says: upper(Plain(err.Detail))}
	switch err.Code {
	case swarm.CodeNoActiveDrivers:
		if s.Command.Type == "" {
			break // it has no target yet
		}
		if s.Command.Type == command.Stop {
			f.Title, f.Says, f.Calm = nothingToStop(s.Target, err)
			break
		}
		f.Says = "Nothing was sent: " + w.whyUnreachable(s.Target) + "."
	case swarm.CodeNewerCommand:
		f.Says = "Nothing was sent: the newer command is for the same drivers."
		if seq, ok := err.Attrs["seq"].(uint64); ok && seq > 0 && !w.isReset(seq) {
			f.NewerURL, f.Newer = CommandURL(seq), "#"+strconv.FormatUint(seq, 10)
		}
	case swarm.CodeForbidden, swarm.CodeOutsideScope:
		f.Says = denied(err)
	case swarm.CodeInvalidCommand:
		if len(err.Fields) > 0 {
			f.Says = "These values are not valid:"
		}
	}
	for _, field := range err.Fields {
		f.Errors = append(f.Errors, Figure{FieldName(field.Pointer), field.Detail})
	}
	return f
}

func upper(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + s[n:]
}

// whyUnreachable says why no driver of t can receive a command: it lists the named drivers with their states, or counts
// the drivers in each state.
func (w World) whyUnreachable(t swarm.Target) string {
	const named = 5
	var parts []string
	for _, id := range t.DriverIDs[:min(named, len(t.DriverIDs))] {
		parts = append(parts, id+" "+w.state(id, t.Labels))
	}
	if more := len(t.DriverIDs) - named; more > 0 {
		parts = append(parts, "and "+Count(more)+" more")
	}
	if len(parts) > 0 {
		return strings.Join(parts, ", ")
	}
	who := "no driver"
	if len(t.Labels) > 0 {
		who += " with " + strings.Join(Labels(t.Labels), ", ")
	}
	for _, state := range []swarm.DriverState{swarm.Stale, swarm.Disconnected} {
		if n := w.inState(t, state); n > 0 {
			parts = append(parts, Count(n)+" "+string(state))
		}
	}
	if len(parts) == 0 {
		return who + " is connected"
	}
	return who + " is active; " + strings.Join(parts, ", ")
}

func (w World) state(id string, labels map[string]string) string {
	d, ok := w.driver(id)
	switch {
	case !ok:
		return "is unknown"
	case d.State != swarm.Active:
		return "is " + string(d.State) + ", last heard from " + Age(d.HeartbeatAge) + " ago"
	case !(swarm.Target{Labels: labels}).Matches(id, d.Labels):
		return "does not have the labels " + strings.Join(Labels(labels), ", ")
	default:
		return "is active again; try again"
	}
}

func (w World) inState(t swarm.Target, state swarm.DriverState) int {
	n := 0
	for _, d := range w.Drivers {
		if d.State == state && t.Matches(d.ID, d.Labels) {
			n++
		}
	}
	return n
}

// isReset reports whether seq is a record of the server itself that ends load: such a record has no page.
func (w World) isReset(seq uint64) bool {
	if w.withdrawal(seq) != nil {
		return true
	}
	for _, d := range w.Drifts {
		if slices.ContainsFunc(d.Desired, func(want swarm.Wanted) bool { return want.Seq == seq && want.Reset }) {
			return true
		}
	}
	return false
}

// fieldNames has the names that the forms use for the fields of a submission.
var fieldNames = func() map[string]string {
	names := map[string]string{
		"type": "Command", "note": "Note", "labels": "Labels, all must match", "driver_ids": "Driver",
		"deadline_ms": "Deadline, ms", "submitter": "Submitter",
	}
	for _, r := range command.Table() {
		if r.HasValue() {
			names[r.Value] = r.Label
		}
		if r.Total != "" {
			names[r.Total] = r.Label
		}
	}
	return names
}()

// FieldName is the name that the form uses for the field of an API pointer.
func FieldName(pointer string) string {
	if name := fieldNames[fieldOf(pointer)]; name != "" {
		return name
	}
	return "The command"
}

// fieldOf returns the field of the form for a pointer such as /target/labels/zone.
func fieldOf(pointer string) string {
	for part := range strings.SplitSeq(pointer, "/") {
		if fieldNames[part] != "" {
			return part
		}
	}
	return ""
}

// Plain removes from an error text the parts that are for programs: its code, and what the page shows anyway.
func Plain(s string) string {
	if code, rest, ok := strings.Cut(s, ": "); ok && strings.Trim(code, "abcdefghijklmnopqrstuvwxyz_") == "" &&
		strings.Contains(code, "_") {
		s = rest
	}
	s, _, _ = strings.Cut(s, "; see GET ")
	return strings.TrimSuffix(strings.TrimSpace(s), "; nothing was sent")
}
