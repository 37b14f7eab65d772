// Package timestamp is the form of times in the HTTP contract: RFC 3339, UTC, always with milliseconds.
package timestamp

import "time"

// Format is the form of a Time.
const Format = "2006-01-02T15:04:05.000Z"

// Time is a time that is written with milliseconds. Any RFC 3339 time can be read.
type Time struct{ time.Time }

// Of is t in UTC.
func Of(t time.Time) Time { return Time{t.UTC()} }

// MarshalJSON writes t in Format.
func (t Time) MarshalJSON() ([]byte, error) { return []byte(t.UTC().Format(`"` + Format + `"`)), nil }
