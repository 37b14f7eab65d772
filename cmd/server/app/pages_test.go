package app

import "testing"

// TestPagesTellTheLimits: the About page shows the limits that README names, in readable units.
func TestPagesTellTheLimits(t *testing.T) {
	got := map[string]string{}
	for _, f := range shownLimits(8 << 30) {
		got[f.Name] = f.Value
	}
	for name, want := range map[string]string{
		"Log": "8 GiB, then it refuses", "Request body": "64 KiB", "Request headers": "16 KiB",
		"Driver frame": "32 KiB", "Ids": "128 bytes",
		"Labels": "32, each of 256 bytes", "Note": "256 bytes", "Deadline": "1.0 ms to 1 min",
		"Players":         "1,000,000,000 per driver, 1,000,000,000,000 in all",
		"Page of the API": "1,000 items", "Live viewers": "10,000",
	} {
		if got[name] != want {
			t.Errorf("%s: %q, want %q", name, got[name], want)
		}
	}
}
