package wire_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// TestValidName compares the function with the regular expression of the API contract.
func TestValidName(t *testing.T) {
	form := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$`)
	check := func(t interface{ Errorf(string, ...any) }, s string) {
		if got, want := wire.ValidName(s), form.MatchString(s) && !strings.HasSuffix(s, "\n"); got != want {
			t.Errorf("ValidName(%q) = %v, want %v", s, got, want)
		}
	}
	for _, s := range []string{"", "a", "-a", ".a", "a b", "é", "a\n", strings.Repeat("x", 128),
		strings.Repeat("x", 129), "a/b", "A0._:-z"} {
		check(t, s)
	}
	rapid.Check(t, func(t *rapid.T) { check(t, rapid.StringMatching(`[A-Za-z0-9._:\-/ é]{0,6}`).Draw(t, "name")) })
	for id, want := range map[string]bool{"d-1": true, "connect": false, "stream": false, "Connect": true, "": false} {
		if got := wire.ValidDriverID(id); got != want {
			t.Errorf("ValidDriverID(%q) = %v", id, got)
		}
	}
}
