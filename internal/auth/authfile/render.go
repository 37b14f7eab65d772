package authfile

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// rowText is a row as new rows are written: in one line, with the fields in a fixed order.
func rowText(t Token) string {
	parts := []string{"name: " + scalar(t.Name), "hash: " + list(t.Hashes, func(h [32]byte) string {
		return quote(hashText(h))
	}), "role: " + string(t.Role)}
	if len(t.Scope) > 0 {
		parts = append(parts, "scope: "+mapping(t.Scope))
	}
	if len(t.DriverIDs) > 0 {
		parts = append(parts, "driver_ids: "+list(t.DriverIDs, quote))
	}
	if len(t.Labels) > 0 {
		parts = append(parts, "labels: "+mapping(t.Labels))
	}
	if !t.Expires.IsZero() {
		parts = append(parts, "expires: "+t.Expires.Format(time.RFC3339Nano))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func list[T any](items []T, text func(T) string) string {
	var parts []string
	for _, item := range items {
		parts = append(parts, text(item))
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

func mapping(labels map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, scalar(key)+": "+scalar(labels[key]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// scalar writes a word without quotes if it cannot mean anything else.
func scalar(s string) string {
	special := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./@", r)
	}
	letter := s != "" && (s[0] >= 'a' && s[0] <= 'z' || s[0] >= 'A' && s[0] <= 'Z')
	if !letter || strings.ContainsFunc(s, special) || strings.EqualFold(s, "null") {
		return quote(s)
	}
	return s
}

// quote writes a JSON string, which YAML reads as the same text.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // a string can always be encoded
	}
	return string(b)
}
