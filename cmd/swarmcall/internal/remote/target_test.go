package remote_test

import (
	"testing"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

func TestStopLine(t *testing.T) {
	for want, target := range map[string]*remote.Target{
		"swarmcall stop --yes": nil,
		"swarmcall stop --yes --label region=eu --label team=a --driver d-1": {
			Labels: map[string]string{"team": "a", "region": "eu"}, DriverIDs: []string{"d-1"},
		},
		`swarmcall stop --yes --label 'owner=O'\''Neill; rm'`: {Labels: map[string]string{"owner": "O'Neill; rm"}},
	} {
		if got := remote.StopLine(target, "--yes"); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestMayShare: only a label with another value rules out that a driver gets a command.
func TestMayShare(t *testing.T) {
	of := func(labels map[string]string) (t api.Target) {
		l := api.Labels(labels)
		t.Labels = &l
		return t
	}
	mine := map[string]string{"team": "shop"}
	for _, tc := range []struct {
		target api.Target
		want   bool
	}{
		{api.Target{}, true}, {of(map[string]string{"team": "shop"}), true},
		{of(map[string]string{"region": "eu"}), true}, {of(map[string]string{"team": "b"}), false},
		{of(map[string]string{"team": "b", "region": "eu"}), false},
	} {
		if got := remote.MayShare(tc.target, mine); got != tc.want {
			t.Errorf("%s: %v", remote.TargetBrief(tc.target), got)
		}
	}
}
