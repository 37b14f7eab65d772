package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/verdict"
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
	if p.OnMissing != Abort || *p.Retries != 3 || p.Rejoin != 15*time.Second || p.Stages[0].Wait.Timeout != time.Minute {
		t.Errorf("the defaults are %+v", p)
	}
	if p.Allow != (verdict.Allow{Percent: 5}) || *p.Stages[1].SpawnDelay != 20*time.Millisecond || *p.Stages[2].Set.Total != 300 || p.Stages[2].OnMissing != Continue {
		t.Errorf("%+v", p)
	}
	if p.target().Labels["region"] != "eu" {
		t.Errorf("%+v", p.Target)
	}
	if p, err := Parse([]byte("allow_missing: 2\nstages: [{hold: 1s}]")); err != nil || p.Allow.Count != 2 {
		t.Errorf("%+v, %v", p, err)
	}
}

// TestEveryFaultIsNamed: who mends a plan wants to know all of them, each with its stage.
func TestEveryFaultIsNamed(t *testing.T) {
	_, err := Parse([]byte("deadline: 2m\non_missing: x\nretries: -1\nstages:\n- {}\n- set: {}\n- wait: {drivers: 0}\n- spawn_delay: 1us\n- ramp: {from: 0, to: 1, step: 0}\n"))
	for _, want := range []string{"deadline must be", "on_missing must be", "retries,", "stage 1 must be one of", "stage 2: set must have", "stage 3: wait", "stage 4: spawn_delay",
		"stage 5: step", "stage 5: every"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
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
		if got := (&Ramp{From: tc.from, To: tc.to, Step: tc.step}).Values(); !slices.Equal(got, tc.want) {
			t.Errorf("%+v: %v", tc, got)
		}
	}
}
