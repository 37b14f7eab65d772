package plan

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSummary(t *testing.T) {
	p, err := Parse([]byte(`
name: nightly
target: {labels: {region: eu}}
stages:
  - wait: {drivers: 10}
  - spawn_delay: 20ms
  - set: {players: 7}
  - ramp: {from: 0, to: 5000, step: 600, every: 10s, total: true}
  - hold: 10m
  - ramp: {from: 3, to: 1, step: 1, every: 1s}
`))
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(p.Summary(12), "\n")
	want := `plan "nightly" for drivers of region=eu: 6 stages, 11m32s long plus waiting time; peak: 7 players per driver, 84 on 12 drivers; 5000 players in total
  1  wait for 10 drivers, at most 1m0s
  2  spawn delay 20ms, per driver
  3  set 7 players per driver
  4  ramp from 0 to 5000 players in total in 10 steps, one every 10s: 1m30s
  5  hold for 10m0s
  6  ramp from 3 to 1 players per driver in 3 steps, one every 1s: 2s`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestSummaryOfOneStage needs no server; it also checks a ramp whose steps would fill the memory.
func TestSummaryOfOneStage(t *testing.T) {
	for text, want := range map[string]string{
		"stages: [{hold: 1s}]":        `plan "" for all drivers: 1 stage, 1s long; peak: 0 players per driver`,
		"stages: [{set: {total: 5}}]": `plan "" for all drivers: 1 stage, 0s long; peak: 5 players in total`,
		"stages: [{ramp: {from: 0, to: 1000000000, step: 1, every: 1ms}}]": `plan "" for all drivers: 1 stage, ` +
			(1_000_000_000 * time.Millisecond).String() + ` long; peak: 1000000000 players per driver`,
	} {
		p, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Summary(-1)[0]; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

// TestStepsAreThoseOfTheRamp: count computes the number of steps without generating them.
func TestStepsAreThoseOfTheRamp(t *testing.T) {
	for _, r := range []Ramp{
		{From: 0, To: 10, Step: 5}, {From: 0, To: 11, Step: 5}, {From: 10, To: 1, Step: 4}, {From: 7, To: 7, Step: 1},
	} {
		if got, want := r.count(), int64(len(slices.Collect(r.Values()))); got != want {
			t.Errorf("%+v: %d, want %d", r, got, want)
		}
	}
}
