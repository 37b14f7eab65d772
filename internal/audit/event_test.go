package audit

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

var moments = time.Date(2026, 11, 30, 15, 0, 0, 0, time.UTC)

// hostile are texts that a client might send to forge a line, disturb a terminal, or fill the disk.
var hostile = []string{
	"a\n" + `{"at":"2026-11-30T15:00:00Z","kind":"signed_in","name":"admin"}`, "a\r\nb", "\x1b[2J\x1b[31m", "a\u009b2J",
	"\u2028\u2029", "\u202eevil", "\x00\x7f", "\xff\xfe", "\xe2\x82", `"},{"`, `\`, "</script>",
	strings.Repeat("x", 1<<20), strings.Repeat("€", 1<<16), strings.Repeat("\n", 1<<16), strings.Repeat("\xff", 300),
}

func TestHostileTexts(t *testing.T) {
	for _, s := range hostile {
		e := clean(Event{At: moments, Kind: Kind(s), Name: s, Code: swarm.Code(s), Method: s, Route: s, Detail: s,
			DriverID: s, Count: -1, Via: swarm.Via{Credential: s, RemoteAddr: s, RequestID: s}})
		b := encode(e)
		if bytes.Count(b, []byte{'\n'}) != 1 || len(b) > 8<<10 || !utf8.Valid(b) {
			t.Errorf("%.20q: a line of %d bytes: %.200q", s, len(b), b)
		}
		for _, got := range []string{string(e.Kind), e.Name, string(e.Code), e.Method, e.Route, e.Detail, e.DriverID,
			e.Via.Credential, e.Via.RemoteAddr, e.Via.RequestID} {
			if len(got) > maxText || strings.ContainsFunc(got, disturbs) || !utf8.ValidString(got) {
				t.Errorf("%.20q: %q is left", s, got)
			}
		}
		if back, err := decode(bytes.TrimSuffix(b, []byte{'\n'})); err != nil || back != e {
			t.Errorf("%.20q: %v\ngot  %+v\nwant %+v", s, err, back, e)
		}
	}
}

func TestTextIsCutBetweenCharacters(t *testing.T) {
	for s, want := range map[string]string{
		strings.Repeat("x", 256):       strings.Repeat("x", 256),
		strings.Repeat("x", 257):       strings.Repeat("x", 253) + more,
		strings.Repeat("é", 128):       strings.Repeat("é", 128),
		strings.Repeat("é", 128) + "x": strings.Repeat("é", 126) + more,
		"shöp":                         "shöp",
		"a\tb":                         "a\ufffdb",
	} {
		if got := text(s); got != want {
			t.Errorf("%q\ngot  %q\nwant %q", s, got, want)
		}
	}
}

func TestKindsAreDistinct(t *testing.T) {
	seen := map[Kind]bool{}
	for _, k := range swarm.AuditKinds() {
		if seen[k] || text(string(k)) != string(k) || string(k) != strings.ToLower(string(k)) {
			t.Errorf("%q", k)
		}
		seen[k] = true
	}
}

// FuzzLine: a line that is read as an event is written as a line that is read as the same event.
func FuzzLine(f *testing.F) {
	f.Add(encode(clean(Event{At: moments, Kind: swarm.AuditRefused, Count: 3, Until: moments, Via: swarm.Via{RemoteAddr: "::1"}})))
	f.Add(encode(act("x")))
	for _, s := range hostile[:12] {
		f.Add([]byte(s))
	}
	f.Add([]byte(`{"at":"9999-12-31T23:59:59.9999999-23:59","kind":"x"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := decode(b)
		if err != nil {
			return
		}
		line := encode(e)
		if bytes.Count(line, []byte{'\n'}) != 1 || len(line) > 8<<10 {
			t.Fatalf("a line of %d bytes: %q", len(line), line)
		}
		if back, err := decode(line); err != nil || back != e {
			t.Fatalf("%v\ngot  %+v\nwant %+v", err, back, e)
		}
	})
}
