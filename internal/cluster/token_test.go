package cluster

import (
	"regexp"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A token must be one token of a subject and a key of a bucket: nats.go refuses other keys.
var validToken = regexp.MustCompile(`^[-_=a-zA-Z0-9]+$`)

func FuzzToken(f *testing.F) {
	for _, s := range []string{"node-1", "a.b:c_d", "=", "=2E", "=2e", "ü", "a b*>", "\x00", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if name, ok := nameOf(s); ok && token(name) != s {
			t.Errorf("the token %q is read as %q, whose token is %q", s, name, token(name))
		}
		if s == "" || len(s) > maxName {
			return
		}
		if !validToken.MatchString(token(s)) {
			t.Errorf("%q has the token %q", s, token(s))
		}
		if name, ok := nameOf(token(s)); !ok || name != s {
			t.Errorf("%q has the token %q, which is read as %q, %t", s, token(s), name, ok)
		}
	})
}
