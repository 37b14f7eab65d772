package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestFits: settings that would break a guarantee are refused, with the reason.
func TestFits(t *testing.T) {
	good := Config{Name: "S", Subject: "s.log", Replicas: 1, MaxBytes: 1 << 20}.Settings()
	if err := Fits(good, "s.log"); err != nil {
		t.Fatalf("a new stream: %v", err)
	}
	for word, change := range map[string]func(*jetstream.StreamConfig){
		"memory":          func(c *jetstream.StreamConfig) { c.Storage = jetstream.MemoryStorage },
		"retention":       func(c *jetstream.StreamConfig) { c.Retention = jetstream.WorkQueuePolicy },
		"discards old":    func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld },
		"no max_bytes":    func(c *jetstream.StreamConfig) { c.MaxBytes = -1 },
		"number of":       func(c *jetstream.StreamConfig) { c.MaxMsgs = 5 },
		"expire":          func(c *jetstream.StreamConfig) { c.MaxAge = time.Hour },
		"deny_delete":     func(c *jetstream.StreamConfig) { c.DenyDelete = false },
		"deny_purge":      func(c *jetstream.StreamConfig) { c.DenyPurge = false },
		"allow_atomic":    func(c *jetstream.StreamConfig) { c.AllowAtomicPublish = false },
		"before it has":   func(c *jetstream.StreamConfig) { c.PersistMode = jetstream.AsyncPersistMode },
		"ordinary":        func(c *jetstream.StreamConfig) { c.NoAck = true },
		"other streams":   func(c *jetstream.StreamConfig) { c.Mirror = &jetstream.StreamSource{Name: "x"} },
		"subject must be": func(c *jetstream.StreamConfig) { c.Subjects = []string{"s.log", "other"} },
	} {
		bad := good
		change(&bad)
		if err := Fits(bad, "s.log"); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", word, err)
		}
	}
}

func TestNewEnough(t *testing.T) {
	for version, ok := range map[string]bool{
		"": false, "2.11.9": false, "2.12.0": true, "2.15.2": true, "3.0.0": true, "1.4.1": false, "dev": false,
		"2.12.0-RC.1": true,
	} {
		if err := NewEnough(version); (err == nil) != ok {
			t.Errorf("version %q: %v", version, err)
		}
	}
}
