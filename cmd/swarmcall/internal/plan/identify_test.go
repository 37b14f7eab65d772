package plan

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestARunWithAToken names no submitter, recognizes its own commands by the name of the token, and those of others.
func TestARunWithAToken(t *testing.T) {
	for name, tc := range map[string]struct {
		token string
		older bool
	}{"a token": {"ci/nightly", false}, "an older server": {"anonymous", true}} {
		synctest.Test(t, func(t *testing.T) {
			s := newSwarm(t, 2)
			s.token, s.older = tc.token, tc.older
			s.issue(&fakeEntry{Submitter: tc.token, Command: remote.Command{Type: "stop"}, IfSeq: new(int64)})
			if said, err := s.run("stages: [{set: {players: 1}}, {set: {players: 2}}]"); err != nil {
				t.Errorf("%s: %v\n%s", name, err, said)
			}
			for _, e := range s.entries {
				if e.Submitter != tc.token {
					t.Errorf("%s: an entry of %q", name, e.Submitter)
				}
			}
			if got := *s.entries[1].IfSeq; got != 11 {
				t.Errorf("%s: the condition is %d: the run does not recognize an earlier command of its own", name, got)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			s := newSwarm(t, 2)
			s.token, s.older = tc.token, tc.older
			later(t, 5*time.Second, func() { s.other("d-01") })
			_, err := s.run("stages: [{set: {players: 1}}, {hold: 45s}, {set: {players: 2}}]")
			if clierr.CodeOf(err) != clierr.Superseded {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

// TestARunWhoseTokenIsRefused sends nothing.
func TestARunWhoseTokenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 1)
		s.token = "?"
		if _, err := s.run("stages: [{set: {players: 1}}]"); clierr.CodeOf(err) != clierr.Auth || s.posted > 0 {
			t.Errorf("%v, after %d commands", err, s.posted)
		}
	})
}
