package swarm

import (
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

func TestRoleIncludes(t *testing.T) {
	all := Roles()
	for i, have := range all {
		for j, needed := range all {
			want := have == RoleAdmin || have == needed || (j <= i && i < 4 && j < 4)
			if got := have.Includes(needed); got != want {
				t.Errorf("%s.Includes(%s) = %v, want %v", have, needed, got, want)
			}
		}
		if Role("").Includes(have) || Role("root").Includes(have) || have.Includes("") || have.Includes("root") {
			t.Errorf("an unknown role has to do with %s", have)
		}
	}
}

func TestMaySubmit(t *testing.T) {
	scope := map[string]string{"team": "shop", "region": "eu"}
	for _, tc := range []struct {
		role   Role
		kind   command.Type
		target Target
		want   Code // "": allowed
	}{
		{RoleViewer, command.Stop, Target{Labels: scope}, CodeForbidden},
		{RoleStopper, command.Stop, Target{Labels: scope}, ""},
		{RoleStopper, command.SetPlayers, Target{Labels: scope}, CodeForbidden},
		{RoleController, command.SetSpawnDelay, Target{Labels: scope}, ""},
		{RoleDriver, command.Stop, Target{Labels: scope}, CodeForbidden},
		{RoleController, command.SetPlayers, Target{}, CodeOutsideScope},
		{RoleController, command.SetPlayers, Target{DriverIDs: []string{"d-1"}}, CodeOutsideScope},
		{RoleStopper, command.Stop, Target{Labels: map[string]string{"team": "shop"}}, CodeOutsideScope},
		{RoleAdmin, command.Stop, Target{Labels: map[string]string{"team": "shop", "region": "us"}}, CodeOutsideScope},
		{RoleController, command.SetPlayers,
			Target{Labels: map[string]string{"team": "shop", "region": "eu", "zone": "a"}}, ""},
	} {
		err := Principal{Name: "ci", Role: tc.role, Scope: scope}.MaySubmit(tc.kind, tc.target)
		if (err == nil) != (tc.want == "") || (err != nil && CodeOf(err) != tc.want) {
			t.Errorf("%s, %s to %v: %v, want %q", tc.role, tc.kind, tc.target, err, tc.want)
		}
	}
	err := Principal{Name: "ci", Role: RoleController, Scope: scope}.MaySubmit(command.Stop,
		Target{Labels: map[string]string{"team": "shop"}})
	if err == nil || !strings.Contains(err.Error(), "region=eu") || strings.Contains(err.Error(), "team=shop") {
		t.Errorf("the refusal does not name just the labels to add: %v", err)
	}
}

func TestSubmitterFor(t *testing.T) {
	for _, tc := range []struct {
		p           Principal
		asked, want string
	}{
		{AnonymousPrincipal(), "", Anonymous},
		{AnonymousPrincipal(), "ci/nightly", "ci/nightly"},
		{Principal{Name: "ci", Credential: "token:00000000"}, "", "ci"},
		{Principal{Name: "ci", Credential: "token:00000000"}, "ci", "ci"},
		{Principal{Name: "ci", Credential: "token:00000000"}, "alice", ""},
	} {
		got, err := tc.p.SubmitterFor(tc.asked)
		if got != tc.want || (err != nil) != (tc.want == "") {
			t.Errorf("%s asks for %q: %q, %v", tc.p.Name, tc.asked, got, err)
		}
	}
}

func TestMayRegister(t *testing.T) {
	p := Principal{Name: "eu-drivers", DriverIDs: []string{"eu-*", "spare"}, Labels: map[string]string{"team": "shop"}}
	for _, tc := range []struct {
		id     string
		labels map[string]string
		ok     bool
	}{
		{"eu-1", map[string]string{"team": "shop", "zone": "a"}, true},
		{"spare", map[string]string{"team": "shop"}, true},
		{"us-1", map[string]string{"team": "shop"}, false},
		{"eu-1", map[string]string{"team": "other"}, false},
		{"eu-1", nil, false},
	} {
		if reason := p.MayRegister(tc.id, tc.labels); (reason == "") != tc.ok {
			t.Errorf("%s with %v: %q", tc.id, tc.labels, reason)
		}
	}
	if reason := (Principal{Name: "any"}).MayRegister("d-1", nil); reason != "" {
		t.Errorf("a credential without bounds: %q", reason)
	}
}

func TestMatchPattern(t *testing.T) {
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"eu-*", "eu-", true}, {"eu-*", "eu-1", true}, {"eu-*", "eu", false}, {"*", "", true}, {"*", "x", true},
		{"a*b*c", "abc", true}, {"a*b*c", "aXbYc", true}, {"a*b*c", "acb", false}, {"a*a", "a", false},
		{"a*a", "aa", true}, {"eu-1", "eu-1", true}, {"eu-1", "eu-10", false}, {"**", "x", true}, {"*-1", "eu-1", true},
		{"*ab*ab", "ab", false}, {"", "", true}, {"", "x", false}, {"E*", "eu", false},
	} {
		if got := MatchPattern(tc.pattern, tc.s); got != tc.want {
			t.Errorf("MatchPattern(%q, %q) = %v", tc.pattern, tc.s, got)
		}
	}
}
