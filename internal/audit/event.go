package audit

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Event is one line of the audit log. Its texts are cut to 256 bytes, what looks like a token is masked, and characters
// that could disturb a terminal or a page are replaced by U+FFFD.
type Event = swarm.AuditEvent

// Kind says what an event is about.
type Kind = swarm.AuditKind

const (
	maxText = 256 // bytes of a text
	more    = "…" // the end of a text that was cut
)

// clean returns the event with texts that are safe to write and to show.
func clean(e Event) Event {
	e.Kind, e.Code = Kind(text(string(e.Kind))), swarm.Code(text(string(e.Code)))
	e.Name, e.Method, e.Route, e.DriverID = text(e.Name), text(e.Method), text(e.Route), text(e.DriverID)
	e.Detail = text(e.Detail)
	e.Via.Credential, e.Via.RemoteAddr = text(e.Via.Credential), text(e.Via.RemoteAddr)
	e.Via.RequestID = text(e.Via.RequestID)
	e.Count = max(e.Count, 0)
	if e.Kind == swarm.AuditRefused {
		e.Count = max(e.Count, 1)
	}
	return e
}

func text(s string) string {
	s = swarm.MaskSecrets(s)
	if len(s) <= maxText && plain(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s { // bytes that are not UTF-8 come as U+FFFD
		if b.Len() > maxText {
			break
		}
		if disturbs(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	s = b.String()
	if len(s) <= maxText {
		return s
	}
	end := maxText - len(more)
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + more
}

// plain reports whether a text consists of printable ASCII, as almost all do.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// disturbs reports whether a character controls a terminal, ends a line, or changes the order of the text around it.
func disturbs(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) }
