// Package plan reads plans of load and runs them: one command after the other, each only if no other submitter has
// commanded in between, with a stop at the end in any case.
//
// The next action of a run, and its reaction to an answer, are decided without a clock, a server or a terminal:
//
//	stages.go         the steps of a plan, in order
//	claim.go          which commands belong to this run, and whether a newer one is from another submitter
//	participants.go   the drivers that take part: they join, deregister, and are waited for once
//	hold.go           what a hold has observed, and how it handles silent drivers
//	outcome.go        how to interpret an outcome, and which drivers get a step again
//	stopping.go       which drivers a stop has not reached, and how to report it
//
// Runner does the rest: it sends, waits, asks and prints. testdata/*.txt are whole runs.
package plan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// What to do when drivers do not ack or are lost.
const (
	Continue = "continue" // continue with the others; the run ends with exit 3
	Retry    = "retry"    // send it to them again, then abort
	Abort    = "abort"    // stop, exit 3
)

// Plan is the content of a plan's file.
type Plan struct {
	Name       string        `yaml:"name"`
	Target     *Target       `yaml:"target"`
	MinDrivers int           `yaml:"min_drivers"`
	Deadline   time.Duration `yaml:"deadline"`
	OnMissing  string        `yaml:"on_missing"`
	Retries    *int          `yaml:"retries"`
	Rejoin     time.Duration `yaml:"rejoin"`
	Allow      verdict.Allow `yaml:"allow_missing"`
	Stages     []Stage       `yaml:"stages"`

	Leave bool `yaml:"-"` // leave the load running after success: for a ramp from the command line

	where lines // line numbers in the file; nil if there is no file
}

// Target selects drivers.
type Target struct {
	DriverIDs []string          `yaml:"driver_ids"`
	Labels    map[string]string `yaml:"labels"`
}

// Stage is one stage of a plan. Exactly one of the pointers is set.
type Stage struct {
	Wait       *Wait          `yaml:"wait"`
	Set        *Set           `yaml:"set"`
	SpawnDelay *time.Duration `yaml:"spawn_delay"`
	Hold       *time.Duration `yaml:"hold"`
	Ramp       *Ramp          `yaml:"ramp"`
	OnMissing  string         `yaml:"on_missing"`
}

// Wait waits for drivers.
type Wait struct {
	Drivers int           `yaml:"drivers"`
	Timeout time.Duration `yaml:"timeout"`
}

// Set sets players: on each driver, or in total.
type Set struct {
	Players *int64 `yaml:"players"`
	Total   *int64 `yaml:"total"`
}

// Ramp sets players step by step.
type Ramp struct {
	From  int64         `yaml:"from"`
	To    int64         `yaml:"to"`
	Step  int64         `yaml:"step"`
	Every time.Duration `yaml:"every"`
	Total bool          `yaml:"total"`
}

// Read reads and checks a plan's file; "-" is stdin.
func Read(path string, stdin io.Reader) (*Plan, error) {
	var b []byte
	var err error
	name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if path == "-" {
		path, name = "on stdin", "stdin"
		b, err = io.ReadAll(stdin)
	} else {
		b, err = os.ReadFile(path)
	}
	if err == nil {
		var p *Plan
		if p, err = Parse(b); err == nil {
			p.Name = cmp.Or(p.Name, strings.Map(printable, name))
			return p, nil
		}
	}
	return nil, &clierr.Error{
		Code: clierr.Usage, What: "cannot run the plan " + path, Cause: err,
		Hint: "plan format: swarmcall help plans",
	}
}

// printable removes what the server's log does not allow in a note.
func printable(c rune) rune {
	if unicode.IsControl(c) || c == utf8.RuneError {
		return -1
	}
	return c
}

// Parse reads a plan. It refuses unknown fields: a misspelt on_missing must not be ignored.
func Parse(b []byte) (*Plan, error) {
	where, err := scan(b)
	if err != nil {
		return nil, err
	}
	p := &Plan{where: where}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, inWords(err)
	}
	return p, p.Check()
}

// Defaults of fields that a plan omits.
const (
	defaultRejoin  = 15 * time.Second
	defaultRetries = 3
	defaultWait    = time.Minute
)

// Check fills in the defaults and returns all errors at once.
func (p *Plan) Check() error {
	if p.OnMissing == "" {
		p.OnMissing = Abort
	}
	if p.Rejoin == 0 {
		p.Rejoin = defaultRejoin
	}
	if p.Retries == nil {
		n := defaultRetries
		p.Retries = &n
	}
	var bad faults
	bad.add(len(p.Stages) == 0, "there are no stages")
	bad.add(!policy(p.OnMissing), "on_missing must be continue, retry or abort")
	if _, given := p.where["deadline"]; given && !GoodDeadline(p.Deadline) {
		bad = append(bad, p.where.at(errors.New("deadline must be 1ms to 60s, in whole milliseconds"), "deadline"))
	}
	bad.add(*p.Retries < 0 || p.Rejoin < 0 || p.MinDrivers < 0, "retries, rejoin and min_drivers must not be negative")
	p.checkNames(&bad)
	for i := range p.Stages {
		var of faults
		p.Stages[i].check(i+1, &of)
		for _, err := range of {
			bad = append(bad, p.where.at(err, "stages", strconv.Itoa(i)))
		}
	}
	return errors.Join(bad...)
}

// GoodDeadline reports whether the server accepts a deadline.
func GoodDeadline(d time.Duration) bool {
	return d >= time.Millisecond && d <= time.Minute && d%time.Millisecond == 0
}

// checkNames refuses the names that the server would refuse, before anything is sent.
func (p *Plan) checkNames(bad *faults) {
	if !utf8.ValidString(p.Name) || strings.ContainsFunc(p.Name, unicode.IsControl) {
		err := fmt.Errorf("the name %q has control characters or is not valid UTF-8; remove them, because the log "+
			"shows the name",
			p.Name)
		*bad = append(*bad, p.where.at(err, "name"))
	}
	if p.Target == nil {
		return
	}
	for i, id := range p.Target.DriverIDs {
		if !swarm.ValidDriverID(id) {
			err := fmt.Errorf("%q cannot be the id of a driver: letters, digits and . _ : -, at most %d, "+
				"as swarmcall drivers list shows them", id, swarm.MaxIDBytes)
			*bad = append(*bad, p.where.at(err, "target", "driver_ids", strconv.Itoa(i)))
		}
	}
	for _, f := range swarm.ValidateLabels(p.Target.Labels, "labels") {
		*bad = append(*bad, p.where.at(errors.New(strings.TrimPrefix(f.Pointer, "/")+" "+f.Detail), "target", "labels"))
	}
}

type faults []error

func (f *faults) add(broken bool, format string, args ...any) {
	if broken {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

func policy(s string) bool { return s == Continue || s == Retry || s == Abort }

const maxPlayers = 1_000_000_000

func players(n int64) bool { return n >= 0 && n <= maxPlayers }

func (s *Stage) check(n int, bad *faults) {
	kinds := 0
	for _, there := range []bool{s.Wait != nil, s.Set != nil, s.SpawnDelay != nil, s.Hold != nil, s.Ramp != nil} {
		if there {
			kinds++
		}
	}
	bad.add(kinds != 1, "stage %d must be one of wait, set, spawn_delay, hold, ramp", n)
	bad.add(s.OnMissing != "" && !policy(s.OnMissing), "stage %d: on_missing must be continue, retry or abort", n)
	bad.add(s.Hold != nil && *s.Hold < 0, "stage %d: hold must not be negative", n)
	if d := s.SpawnDelay; d != nil {
		bad.add(*d < 0 || *d > 24*time.Hour || *d%time.Millisecond != 0,
			"stage %d: spawn_delay must be 0s to 24h, in whole milliseconds", n)
	}
	if s.Wait != nil {
		s.Wait.check(n, bad)
	}
	if s.Set != nil {
		s.Set.check(n, bad)
	}
	if s.Ramp != nil {
		s.Ramp.check(n, bad)
	}
}

func (w *Wait) check(n int, bad *faults) {
	bad.add(w.Drivers < 1 || w.Timeout < 0, "stage %d: wait needs at least 1 driver and a timeout that is not "+
		"negative", n)
	if w.Timeout == 0 {
		w.Timeout = defaultWait
	}
}

func (s *Set) check(n int, bad *faults) {
	bad.add((s.Players == nil) == (s.Total == nil), "stage %d: set must have players (on each driver) or total", n)
	for _, v := range []*int64{s.Players, s.Total} {
		bad.add(v != nil && !players(*v), "stage %d: players must be 0 to %d", n, maxPlayers)
	}
}

func (r *Ramp) check(n int, bad *faults) {
	bad.add(!players(r.From) || !players(r.To), "stage %d: from and to must be 0 to %d", n, maxPlayers)
	bad.add(r.Step < 1, "stage %d: step must be 1 or more; it goes down when to is below from", n)
	bad.add(r.Every <= 0, "stage %d: every must be more than 0", n)
}

// Aim returns the plan's target; nil for all drivers.
func (p *Plan) Aim() *remote.Target {
	if p.Target == nil {
		return nil
	}
	return &remote.Target{DriverIDs: p.Target.DriverIDs, Labels: p.Target.Labels}
}

// drivers describes the plan's target: "drivers of region=eu".
func (p *Plan) drivers() string {
	if p.Target == nil || len(p.Target.Labels)+len(p.Target.DriverIDs) == 0 {
		return "all drivers"
	}
	t := api.Target{DriverIds: &p.Target.DriverIDs}
	if len(p.Target.Labels) > 0 {
		labels := api.Labels(p.Target.Labels)
		t.Labels = &labels
	}
	return "drivers of " + remote.TargetBrief(t)
}
