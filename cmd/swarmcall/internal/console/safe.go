package console

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Safe escapes what could move the cursor, change the order of text or break the line. Drivers and submitters choose
// their texts, and a terminal would interpret them.
func Safe(s string) string {
	if !strings.ContainsFunc(s, unsafe) {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == utf8.RuneError || !unsafe(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// unsafe reports whether r is a control character, changes the direction of text, is invisible, or is invalid UTF-8.
func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
}

// SafeJSON escapes the same characters in a JSON document, where they can only be within strings.
func SafeJSON(doc []byte) []byte {
	s := string(doc)
	if !strings.ContainsFunc(s, unsafeInJSON) {
		return doc
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case !unsafeInJSON(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := utf16(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return []byte(b.String())
}

// unsafeInJSON ignores white space: outside strings it is layout, and inside them JSON does not allow it.
func unsafeInJSON(r rune) bool {
	return r != '\n' && r != '\t' && r != '\r' && r != utf8.RuneError && unsafe(r)
}

func utf16(r rune) (hi, lo rune) {
	const base, first, second, bits = 0x10000, 0xd800, 0xdc00, 10
	r -= base
	return first + r>>bits, second + r&(1<<bits-1)
}
