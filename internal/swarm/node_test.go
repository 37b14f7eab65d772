package swarm

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestRegistrationsAreOrdered: of two different ones exactly one is newer, and After returns a newer one of the same
// session.
func TestRegistrationsAreOrdered(t *testing.T) {
	draw := rapid.Custom(func(rt *rapid.T) Registration {
		return Registration{
			Position: rapid.Uint64Range(0, 2).Draw(rt, "position"),
			At:       time.UnixMicro(rapid.Int64Range(0, 2).Draw(rt, "at")).UTC(),
			Node:     rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "node"),
			Session:  rapid.SampledFrom([]string{"s", "t"}).Draw(rt, "session"),
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a, b := draw.Draw(rt, "a"), draw.Draw(rt, "b")
		if a != b && a.Newer(b) == b.Newer(a) || a == b && a.Newer(b) {
			rt.Errorf("newer: %v, %v", a.Newer(b), b.Newer(a))
		}
		after := a.After(b)
		if !after.Newer(b) || after.Session != a.Session || after.Node != a.Node || a.Newer(b) && after != a {
			rt.Errorf("after is %+v", after)
		}
	})
}
