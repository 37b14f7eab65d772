package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/plan"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// aim selects drivers and the sender.
type aim struct {
	Label      map[string]string `group:"Target" help:"Only drivers with this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	Driver     []string          `group:"Target" help:"Only this driver; repeat for several." placeholder:"ID" sep:"none"`
	MinDrivers int               `group:"Target" help:"Refuse the command unless it targets at least N drivers." placeholder:"N"`
	Submitter  string            `group:"Target" help:"Name of the sender; default: that of the token, else from the settings files, the pipeline or the user." placeholder:"NAME"`
}

func (a aim) target() *remote.Target {
	if len(a.Label)+len(a.Driver) == 0 {
		return nil
	}
	return &remote.Target{DriverIDs: a.Driver, Labels: a.Label}
}

// reports are the files that a pipeline collects.
type reports struct {
	Report []report.File `group:"Outcome" help:"Write a report: junit=FILE or json=FILE; repeat for both." placeholder:"FORM=FILE" sep:"none"`
}

// unwritable is called by parse, before anything is sent.
func (c reports) unwritable() error {
	for _, f := range c.Report {
		if err := f.Writable(); err != nil {
			return err
		}
	}
	return nil
}

// submission has the flags of all commands.
type submission struct {
	connection
	output
	aim
	reports

	Deadline     *time.Duration `group:"Outcome" help:"How long drivers may take to ack, 1ms to 60s; default: the server's." placeholder:"DURATION"`
	AllowMissing verdict.Allow  `group:"Outcome" help:"How many drivers may be missing, including those left out: N or N%." placeholder:"N|N%"`
	Wait         string         `group:"Outcome" default:"acked" enum:"acked,converged,none" help:"Wait until: ${enum}. Converged means that the drivers report the load."`
	NoWait       bool           `group:"Outcome" help:"Same as --wait none."`
	Timeout      time.Duration  `group:"Outcome" help:"How long to wait; default: until the deadline, or one minute to converge." placeholder:"DURATION"`
	Note         string         `group:"Outcome" help:"Note for the log, at most 256 bytes." placeholder:"TEXT"`

	IfSeq          *int64  `group:"Safety" help:"Refuse if another command has set these players since entry N; 0 means at any time." placeholder:"N"`
	IdempotencyKey *string `group:"Safety" help:"Key by which the server recognizes a retry; default: a new random key." placeholder:"KEY"`
	DryRun         bool    `group:"Safety" help:"Show which drivers it would go to, and send nothing."`

	check func(server *session, body remote.Submission) error // asks for confirmation; nil: no question
}

// Validate checks what the server cannot check better. Kong calls it.
func (c *submission) Validate() error {
	switch {
	case c.Timeout < 0:
		return errors.New("--timeout must not be negative")
	case c.NoWait && c.Wait == submit.WaitConverged:
		return errors.New("--no-wait and --wait converged contradict each other")
	case c.MinDrivers < 0:
		return errors.New("--min-drivers must not be negative")
	case c.IdempotencyKey != nil && !goodKey(*c.IdempotencyKey):
		return errors.New("--idempotency-key must be 1 to 255 visible characters of ASCII; omit the flag to get " +
			"a new key")
	}
	return checkDeadline(c.Deadline)
}

// goodKey reports whether the server accepts a key. An empty key is a variable that a pipeline did not set; with a new
// key each time, the server would carry out a retry as a second command.
func goodKey(s string) bool {
	const most = 255
	return s != "" && len(s) <= most && !strings.ContainsFunc(s, func(c rune) bool { return c < '!' || c > '~' })
}

// deref returns the value of a flag, or the zero value if the flag was not given.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// checkDeadline checks --deadline as the server does; nil stands for the server's default.
func checkDeadline(d *time.Duration) error {
	if d != nil && !plan.GoodDeadline(*d) {
		return errors.New("--deadline must be 1ms to 60s, in whole milliseconds")
	}
	return nil
}

// send handles one command, from the flags to the reports.
func (c *submission) send(ctx context.Context, s streams, command remote.Command) error {
	server, err := c.dial(s, c.Submitter)
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	command.Note = c.Note
	body := remote.Submission{
		Submitter: server.Sender(), Command: command, DeadlineMS: deref(c.Deadline).Milliseconds(),
		Target:     c.target(),
		MinDrivers: c.MinDrivers, IfSeq: c.IfSeq,
	}
	if c.check != nil {
		if err := c.check(server, body); err != nil {
			return err
		}
	}
	if c.DryRun {
		return c.dryRun(ctx, s, server, body)
	}
	job := submit.Job{
		Submission: body, Key: cmp.Or(deref(c.IdempotencyKey), remote.NewKey()), Allow: c.AllowMissing, Wait: c.Wait,
		Timeout: c.Timeout, Line: server.line,
	}
	if c.NoWait {
		job.Wait = submit.WaitNone
	}
	key := swarm.MaskSecrets(job.Key)         // of a flag: a token by mistake
	quiet := console.IsTTY(s.err) && !c.Debug // a person retries with a new call, a pipeline retries with the key
	if !quiet {
		server.line.Say("idempotency key %s", key)
	}
	began := time.Now()
	result := job.Run(ctx, server.Client)
	if result.Err != nil && quiet {
		server.line.Say("idempotency key %s", key)
	}
	result.Err = server.Explain(ctx, body.Target, result.Err)
	step := report.Step{
		Name: command.String(), Key: job.Key, Entry: result.Entry, Allow: c.AllowMissing, Said: result.Said,
		Err: result.Err,
	}
	step.Open = job.Wait == submit.WaitNone && result.Entry.Value.Seq > 0 && !remote.ReachedNoDriver(result.Entry.Value)
	if result.Entry.Value.Seq > 0 {
		if err := console.Print(s.out, c.format(), entryRows(result.Entry)); err != nil {
			return err
		}
	}
	return c.file(s, report.Report{Began: began, Took: time.Since(began), Steps: []report.Step{step}, Err: result.Err})
}

// file writes the reports. It returns the error of the call, or else an error of writing the reports.
func (c reports) file(s streams, r report.Report) error {
	r.Name = commandLine(s.args)
	err := errors.Join(r.Write(c.Report), r.GitHub(os.Getenv, s.err))
	if r.Err == nil {
		return err
	}
	if err != nil {
		_, _ = fmt.Fprint(s.err, clierr.Text(err))
	}
	return r.Err
}
