package swarm

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Limits on names.
const (
	MaxIDBytes         = 128 // driver ids, submitters and label keys
	MaxLabels          = 32
	MaxLabelValueBytes = 256
)

// ValidDriverID reports whether s is a valid driver id: ^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$, neither the name of a
// route nor what looks like a token.
func ValidDriverID(s string) bool {
	return s != "connect" && s != "stream" && validName(s, "._:-") && !HasSecret(s)
}

// ValidSubmitter reports whether s is a valid submitter: ^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$.
func ValidSubmitter(s string) bool { return validName(s, "._:@/-") }

// ValidateLabels reports what is wrong with a set of labels, as field errors below pointer.
func ValidateLabels(labels map[string]string, pointer string) []FieldError {
	if len(labels) > MaxLabels {
		return []FieldError{{Pointer: pointer,
			Detail: fmt.Sprintf("has %d labels; at most %d are allowed", len(labels), MaxLabels)}}
	}
	var bad []FieldError
	for k, v := range labels {
		switch {
		case !validName(k, "._:-"):
			bad = append(bad, FieldError{Pointer: pointer,
				Detail: "has a key that is not of the form [A-Za-z0-9][A-Za-z0-9._:-]{0,127}"})
		case len(v) > MaxLabelValueBytes || !utf8.ValidString(v) || hasControl(v):
			bad = append(bad, FieldError{
				Pointer: pointer + "/" + k, Detail: "must be at most 256 bytes of UTF-8 without control characters",
			})
		default:
			bad = noSecret(bad, pointer, k, v)
		}
	}
	return bad
}

func validName(s, punctuation string) bool {
	if s == "" || len(s) > MaxIDBytes || !alphanumeric(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if !alphanumeric(s[i]) && !containsByte(punctuation, s[i]) {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

func containsByte(s string, c byte) bool {
	for i := range len(s) {
		if s[i] == c {
			return true
		}
	}
	return false
}

func hasControl(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return true
		}
	}
	return false
}

func between(bad []FieldError, pointer string, v, low, high int64) []FieldError {
	if v < low || v > high {
		return append(bad, FieldError{
			Pointer: pointer, Detail: fmt.Sprintf("is %d; must be between %d and %d", v, low, high),
		})
	}
	return bad
}
