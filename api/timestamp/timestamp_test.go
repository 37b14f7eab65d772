package timestamp

import (
	"encoding/json"
	"testing"
	"time"
)

func TestMillisecondsAreAlwaysWritten(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	for in, want := range map[time.Time]string{
		time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC):           `"2026-11-24T12:00:00.000Z"`,
		time.Date(2026, 11, 24, 12, 0, 0, 120_999_999, time.UTC): `"2026-11-24T12:00:00.120Z"`,
		time.Date(2026, 11, 24, 0, 30, 0, 7_000_000, berlin):     `"2026-11-23T23:30:00.007Z"`,
	} {
		b, err := json.Marshal(Of(in))
		if err != nil || string(b) != want {
			t.Errorf("%v: got %s %v, want %s", in, b, err, want)
		}
		var back Time
		if err := json.Unmarshal(b, &back); err != nil || !back.Equal(in.Truncate(time.Millisecond)) {
			t.Errorf("%s: read back as %v %v", b, back, err)
		}
	}
}
