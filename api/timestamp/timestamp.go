// Package timestamp is the format of times in the HTTP contract: RFC 3339, UTC, always with milliseconds.
package timestamp

import "time"

// Format is the form of a Time.
const Format = "2006-01-02T15:04:05.000Z"

// Time is a time that is written with milliseconds. It reads any RFC 3339 time.
type Time struct{ time.Time }

// Of returns t in UTC.
func Of(t time.Time) Time { return Time{t.UTC()} }

// MarshalJSON writes t in Format.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(t.UTC().Format(`"` + Format + `"`)), nil }
