package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/plan"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// running has the flags of both verbs that run plans.
type running struct {
	Submitter string `group:"Target" help:"Name of the sender; default: that of the token, else from the settings files, the pipeline or the user." placeholder:"NAME"`
	connection
	reports
}

// execute runs a plan and writes the reports. It continues to the end even if its output is no longer read, because the
// load has to be stopped.
func (c *running) execute(ctx context.Context, s streams, p *plan.Plan) error {
	outliveReaders()
	server, err := c.dial(s, c.Submitter)
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	r := plan.Runner{
		Plan: p, Server: server.Client, Line: server.line, Submitter: server.Sender(), ID: "run-" +
			strings.ToLower(rand.Text()[:10]),
	}
	say := r.LastWord
	lastWord.Store(&say)
	defer lastWord.Store(nil)
	began := time.Now()
	steps, err := r.Run(ctx)
	err = server.Explain(ctx, p.Aim(), err)
	return c.file(s, report.Report{Began: began, Took: time.Since(began), Steps: steps, Err: err})
}

type runCmd struct {
	Plan  string `arg:"" help:"Plan file, or - for stdin; for its format see swarmcall help plans." placeholder:"PLAN.yaml" type:"existingfile"`
	Check bool   `help:"Check the plan, print what it would do, and send nothing. If a server answers, also show the matching drivers."`
	running
}

// Run runs the plan's file.
func (c *runCmd) Run(ctx context.Context, s streams) error {
	p, err := plan.Read(c.Plan, s.in)
	if err != nil {
		return err
	}
	if c.Check {
		return c.check(ctx, s, p)
	}
	c.wait() // a pipeline may start the server at the same time
	return c.execute(ctx, s, p)
}

// check prints what a valid plan does. That needs no server; if one answers, check also prints which drivers match.
func (c *runCmd) check(ctx context.Context, s streams, p *plan.Plan) error {
	const enough = 2 * time.Second
	ctx, cancel := context.WithTimeout(ctx, enough)
	defer cancel()
	c.RetryFor = 0
	drivers, matching := -1, ""
	server, err := c.dial(s, c.Submitter)
	if err == nil {
		defer server.CloseIdle()
		drivers, matching, err = p.Matching(ctx, server.Client)
	}
	lines := p.Summary(drivers)
	if err == nil {
		lines = append(lines, "matching now: "+matching)
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(s.out, console.Safe(line)); err != nil {
			return err
		}
	}
	if err != nil {
		console.NewLine(s.err).Say("could not look up matching drivers: %v", err)
	}
	return nil
}

type rampCmd struct {
	From         int64             `required:"" help:"Players at the start." placeholder:"N"`
	To           int64             `required:"" help:"Players at the end." placeholder:"N"`
	Step         int64             `required:"" help:"Players to add or remove at each step." placeholder:"N"`
	Every        time.Duration     `required:"" help:"Time between two steps." placeholder:"DURATION"`
	Total        bool              `group:"Target" help:"Players in total: the server splits them over the drivers."`
	Label        map[string]string `group:"Target" help:"Only drivers with this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	Driver       []string          `group:"Target" help:"Only this driver; repeat for several." placeholder:"ID" sep:"none"`
	MinDrivers   int               `group:"Target" help:"Refuse a step unless it targets at least N drivers." placeholder:"N"`
	Deadline     *time.Duration    `group:"Outcome" help:"How long drivers may take to ack, 1ms to 60s; default: the server's." placeholder:"DURATION"`
	OnMissing    string            `group:"Outcome" default:"abort" enum:"continue,retry,abort" help:"When drivers do not ack or are lost: ${enum}. Abort stops the load."`
	AllowMissing verdict.Allow     `group:"Outcome" help:"How many drivers may be missing: N or N%." placeholder:"N|N%"`
	Rejoin       time.Duration     `group:"Outcome" default:"15s" help:"How long a lost driver may take to reconnect, before a step and in a hold (${default})."`
	Hold         time.Duration     `group:"Outcome" help:"Hold the load this long at the end, then stop it; without this flag the load keeps running." placeholder:"DURATION"`
	running
}

// plan builds the plan of one ramp.
func (c *rampCmd) plan() *plan.Plan {
	p := &plan.Plan{
		Name: "ramp", MinDrivers: c.MinDrivers, Deadline: deref(c.Deadline), OnMissing: c.OnMissing, Rejoin: c.Rejoin,
		Allow: c.AllowMissing, Leave: c.Hold == 0,
		Stages: []plan.Stage{{Ramp: &plan.Ramp{From: c.From, To: c.To, Step: c.Step, Every: c.Every, Total: c.Total}}},
	}
	if len(c.Label)+len(c.Driver) > 0 {
		p.Target = &plan.Target{DriverIDs: c.Driver, Labels: c.Label}
	}
	if c.Hold > 0 {
		p.Stages = append(p.Stages, plan.Stage{Hold: &c.Hold})
	}
	return p
}

// Validate checks the ramp as a plan. Kong calls it.
func (c *rampCmd) Validate() error {
	if c.Hold < 0 {
		return errors.New("--hold must not be negative")
	}
	return errors.Join(checkDeadline(c.Deadline), c.plan().Check())
}

// Run runs the ramp.
func (c *rampCmd) Run(ctx context.Context, s streams) error {
	p := c.plan()
	if err := p.Check(); err != nil {
		return err
	}
	return c.execute(ctx, s, p)
}
