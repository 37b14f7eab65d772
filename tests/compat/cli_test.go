package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// step is a command line with its expected result. It looks only for words that a script may rely on: data on stdout,
// exit codes, error codes. Sentences on stderr may change.
type step struct {
	args     string // DEADLINE: the step is repeated with longer ones until the drivers that answer are in time
	before   func(*played)
	code     int
	out, err string // regular expressions; "" for any
	// mayRefuse allows the command line to end with an error that says that the server is older.
	mayRefuse bool
}

// played is the state that the steps work on.
type played struct {
	server  *server
	drivers map[string]*demoDriver
}

func hang(s *played) { s.drivers["d-3"].hang() }
func wake(s *played) { s.drivers["d-3"].wake() }

// steps are what pipelines do, with three drivers d-1 to d-3.
var steps = []step{
	{args: "wait drivers 3 --timeout 30s"},
	{args: "wait drivers 4 --timeout 300ms", code: 7},
	{args: "health"},
	{args: "players set 5 --submitter ci/a", out: `^\d+\tset_players 5\tcomplete\t3\t3\t0\t0\t`},
	{args: "players set 4 --driver d-1 -o name", out: `^\d+\n$`},
	{args: "players set 9 --total -o json", out: `"players_total": 9`},
	{args: "spawn-delay set 10ms -o jsonl", out: `"spawn_delay_ms":10`},
	{args: "players set 3 --wait converged --timeout 60s -o jsonl", out: `"status":"complete"`, mayRefuse: true},
	{args: "players set 6 --dry-run", mayRefuse: true},
	{args: "drivers list -o name", out: `^d-1\nd-2\nd-3\n$`},
	{args: "drivers list", out: `(?m)^d-2\tactive\t`},
	{args: "drivers list --label app=demo --state active -o jsonl", out: `"driver_id":"d-3"`},
	{args: "drivers show d-1 -o json", out: `"driver_id": "d-1"`},
	{args: "drivers show nobody", code: 1, err: `not_found`},
	{args: "state", out: `(?m)^d-1\t`},
	{args: "state -o json", out: `"desired"`},
	{args: "commands list -o jsonl --oldest --limit 0", out: `"submitter":"ci/a"`},
	{args: "commands list --type set_spawn_delay_ms", out: `set_spawn_delay_ms 10`},
	{args: "commands show 2", out: `(?m)^d-1\tacked\t`},
	{args: "commands show 2 --exit-code -o json", out: `"status": "complete"`},
	{args: "commands show 4711", code: 1, err: `not_found`},
	{args: "commands export", out: `^{"id":1,"event":"reset"`},
	{args: "commands export --submitter ci/a", out: `"event":"issued","seq":2,`},
	{args: "commands watch --after 0 --count 3 -o jsonl", out: `"event":"issued"`},
	{args: "players set 5 --min-drivers 4", code: 6, err: `not_enough_drivers`},
	{args: "players set 5 --if-seq 1", code: 9, err: `newer_command`},
	{args: "players set 5 --idempotency-key once -o name", out: `^\d+\n$`},
	{args: "players set 5 --idempotency-key once -o name", out: `^\d+\n$`},
	{args: "players set 6 --idempotency-key once", code: 2, err: `idempotency_key_reused`},
	{args: "players set 5001 -o jsonl", code: 5, out: `"code":"over_local_limit"`},
	{args: "run whole.yaml --report json=report.json"},
	{args: "run refused.yaml", code: 6},
	{args: "ramp --from 1 --to 3 --step 1 --every 50ms"},
	{args: "stop", out: `^\d+\tstop\tcomplete\t3\t3\t0\t0\t`},
	{args: "state -o json", out: `"type": "stop"`},
	{before: hang, args: "players set 2 --deadline 300ms", code: 3, err: `d-3 missing: deadline`},
	{args: "players set 1 --deadline DEADLINE --allow-missing 1", out: `\tpartial\t`},
	{args: "players set 1 --deadline 30s --driver d-3 --timeout 200ms", code: 7},
	{before: wake, args: "stop --yes --deadline 60s", out: `\tstop\tcomplete\t3\t3\t`},
	{args: "doctor", out: `(?m)^drivers\tok\t3 active`},
}

const wholePlan = `
name: whole
deadline: 10s
stages:
  - wait: {drivers: 3, timeout: 30s}
  - spawn_delay: 5ms
  - set: {players: 1}
  - hold: 300ms
  - ramp: {from: 2, to: 4, step: 1, every: 50ms}
  - set: {total: 6}
  - hold: 100ms
`

const refusedPlan = `
name: refused
rejoin: 100ms
min_drivers: 9
stages:
  - set: {players: 1}
`

// TestCommandLines plays the steps with the command line and the server of either version. The old command line with
// the old server checks that the steps describe what was released.
func TestCommandLines(t *testing.T) {
	old := oldRelease(t)
	for _, pair := range [][2]*release{{old, old}, {old, newRelease}, {newRelease, old}, {newRelease, newRelease}} {
		t.Run(pair[0].name+" command line, "+pair[1].name+" server", func(t *testing.T) {
			t.Parallel()
			play(t, pair[0], pair[1], old)
		})
	}
}

func play(t *testing.T, cli, serving, drivers *release) {
	s := &played{server: serving.serve(t, t.TempDir())}
	s.drivers = drivers.drive(t, s.server.url, "d-1", "d-2", "d-3")
	plans := t.TempDir()
	for name, plan := range map[string]string{"whole.yaml": wholePlan, "refused.yaml": refusedPlan, "report.json": ""} {
		if err := os.WriteFile(filepath.Join(plans, name), []byte(plan), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := regexp.MustCompile(`\b(whole\.yaml|refused\.yaml|report\.json)\b`)
	for _, step := range steps {
		if step.before != nil {
			step.before(s)
		}
		got, why := step.run(func(args string) result {
			return cli.run(t, s.server.url, strings.Fields(files.ReplaceAllString(args, plans+"/$1"))...)
		})
		if why != "" {
			t.Errorf("swarmcall %s: %s; exit code %d\n%s%s", step.args, why, got.code, got.out, got.err)
		}
	}
	report, err := os.ReadFile(filepath.Join(plans, "report.json"))
	if err != nil || !strings.Contains(string(report), `"exit_code": 0`) {
		t.Errorf("the report is %s %v", report, err)
	}
}

// run runs the step, and says how it ended other than it should, or "".
func (s step) run(swarmcall func(args string) result) (got result, why string) {
	for deadline := 300 * time.Millisecond; ; deadline *= 2 {
		args := strings.ReplaceAll(s.args, "DEADLINE", deadline.String())
		got = swarmcall(args)
		if why = s.differs(got); why == "" || args == s.args || 2*deadline > time.Minute {
			return got, why
		}
	}
}

var saysOlder = regexp.MustCompile(`(?i)\bolder\b`)

// differs describes how a result differs from the step's expectation, "" if it does not.
func (s step) differs(got result) string {
	switch {
	case s.mayRefuse && got.code != 0 && saysOlder.MatchString(got.err):
		return ""
	case got.code != s.code:
		return fmt.Sprintf("it should end with %d", s.code)
	case !regexp.MustCompile(s.out).MatchString(got.out):
		return "stdout lacks " + s.out
	case !regexp.MustCompile(s.err).MatchString(got.err):
		return "stderr lacks " + s.err
	}
	return ""
}
