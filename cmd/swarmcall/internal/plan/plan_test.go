package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

func TestParse(t *testing.T) {
	p, err := Parse([]byte(`
name: nightly
target: {labels: {region: eu}}
deadline: 3s
allow_missing: 5%
stages:
  - wait: {drivers: 3}
  - spawn_delay: 20ms
  - set: {total: 300}
    on_missing: continue
  - hold: 90s
  - ramp: {from: 100, to: 500, step: 100, every: 10s}
`))
	if err != nil {
		t.Fatal(err)
	}
	if p.OnMissing != Abort || *p.Retries != 3 || p.Rejoin != 15*time.Second ||
		p.Stages[0].Wait.Timeout != time.Minute {
		t.Errorf("the defaults are %+v", p)
	}
	if p.Allow != (verdict.Allow{Percent: 5}) || *p.Stages[1].SpawnDelay != 20*time.Millisecond ||
		*p.Stages[2].Set.Total != 300 || p.Stages[2].OnMissing != Continue {
		t.Errorf("%+v", p)
	}
	if p.Aim().Labels["region"] != "eu" {
		t.Errorf("%+v", p.Target)
	}
	if p, err := Parse([]byte("allow_missing: 2\nstages: [{hold: 1s}]")); err != nil || p.Allow.Count != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestEveryFaultIsNamed: a user who corrects a plan needs all errors at once, each with its stage.
func TestEveryFaultIsNamed(t *testing.T) {
	_, err := Parse([]byte("deadline: 2m\non_missing: x\nretries: -1\n" +
		"stages:\n- {}\n- set: {}\n- wait: {drivers: 0}\n- spawn_delay: 1us\n- ramp: {from: 0, to: 1, step: 0}\n"))
	for _, want := range []string{
		"deadline must be", "on_missing must be", "retries,", "stage 1 must be one of", "stage 2: set must have",
		"stage 3: wait", "stage 4: spawn_delay", "stage 5: step", "stage 5: every",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}
}

// TestFaultsHaveALine: values that YAML would misread, and values that the server would refuse, have a line number.
func TestFaultsHaveALine(t *testing.T) {
	const stages = "stages: [{hold: 1s}]\n"
	for text, want := range map[string]string{
		stages + "target:\n  driver_ids:\n  - ok\n  - a b\n": `line 5: "a b" cannot be the id of a driver`,
		stages + "target:\n  labels: {a b: c}\n":             "line 3: labels has a key",
		stages + "name: \"a\\nb\"\n":                         "line 2: the name",
		"stages:\n- set:\n    players: 1.5\n": "line 3: players is 1.5; it must be a whole " +
			"number",
		"stages:\n- set: {total: 010}\n": "line 2: total is 010; " +
			"it must be a whole number",
		"stages:\n- ramp: {from: 0x1, to: 1e3, step: 1, every: 1s}\n": "line 2: to is 1e3",
		stages + "min_drivers: 1_0\n":                                 "line 2: min_drivers is 1_0",
		stages + "retries: 3.0\n":                                     "line 2: retries is 3.0",
		stages + "---\nstages: []\n":                                  "a second document begins here",
		"stages:\n- hold: 1s\n- hold: -1s\n":                          "line 3: stage 2: hold must not",
		"":                                                            "the file is empty",
		stages + "deadline: 1500us\n": "line 2: deadline must be 1ms to 60s, in " +
			"whole milliseconds",
		stages + "deadline: 0s\n": "line 2: deadline must be",
		"stages:\n- set: {playerz: 1}\n": "line 2: unknown field playerz; allowed here: " +
			"players, total",
		"stages: [{hold: 5}]\n": "line 1: 5 must be a duration with a unit, " +
			"such as 10s",
		"stages: [{wait: {drivers: many}}]\n": "line 1: many must be a whole number",
		"stages: {hold: 5s}\n": "line 1: this value must be a list of " +
			"stages",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v of\n%s", want, err, text)
		}
	}
	for _, good := range []string{
		stages + "name: 010\ntarget: {labels: {players: 1.5, step: 010}}\n", "---\n" + stages + "...\n",
		"stages:\n- ramp: {from: 0, to: 1, step: 1, every: 1s, total: true}\n",
	} {
		if _, err := Parse([]byte(good)); err != nil {
			t.Errorf("%v of\n%s", err, good)
		}
	}
}

func TestRampValues(t *testing.T) {
	for _, tc := range []struct {
		from, to, step int64
		want           []int64
	}{
		{0, 10, 5, []int64{0, 5, 10}},
		{0, 11, 5, []int64{0, 5, 10, 11}},
		{10, 1, 4, []int64{10, 6, 2, 1}},
		{7, 7, 1, []int64{7}},
		{0, 1, 1_000_000_000, []int64{0, 1}},
	} {
		got := slices.Collect((&Ramp{From: tc.from, To: tc.to, Step: tc.step}).Values())
		if !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}

// TestTriesSayWhatCameOfThem checks that a try names its drivers, and only the first if there are many.
func TestTriesSayWhatCameOfThem(t *testing.T) {
	got := describeTry([]string{"a", "b", "c", "d", "e", "f"}, []string{"e", "f"}, []string{"f"})
	if want := "acked by a, b, c and 1 more; not acked by e; not connected: f"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
