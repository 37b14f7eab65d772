package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

type commandsCmd struct {
	List   commandsListCmd   `cmd:"" default:"withargs" help:"List entries of the log, newest first."`
	Show   commandsShowCmd   `cmd:"" help:"Show one entry: which drivers acked, which did not, and why."`
	Watch  commandsWatchCmd  `cmd:"" help:"Follow the log, one line per record."`
	Export commandsExportCmd `cmd:"" help:"Print the records of the log as NDJSON."`
}

type commandsListCmd struct {
	Submitter string `help:"Only entries of this submitter." placeholder:"NAME"`
	Type      string `enum:"${types}" default:"" help:"Only commands of this type: ${types_in_words}." placeholder:"TYPE"`
	Status    string `enum:",pending,complete,partial,failed,superseded" default:"" help:"Only entries that are pending, complete, partial, failed or superseded." placeholder:"STATUS"`
	Before    int64  `help:"Only entries before this one." placeholder:"ENTRY"`
	After     int64  `help:"Only entries after this one." placeholder:"ENTRY"`
	Oldest    bool   `help:"Oldest first."`
	Limit     int    `default:"20" help:"Maximum number of entries (${default}); 0 for all." placeholder:"N"`
	connection
	output
}

// Validate bounds the flags. Kong calls it.
func (c *commandsListCmd) Validate() error { return limitNotNegative(c.Limit) }

// Run prints entries.
func (c *commandsListCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	f := remote.CommandFilter{
		Submitter: c.Submitter, Type: c.Type, Status: c.Status, Before: c.Before, After: c.After, Limit: c.Limit,
	}
	if c.Oldest {
		f.Order = "asc"
	}
	page, err := server.Commands(ctx, f)
	if err != nil {
		return err
	}
	return console.Print(s.out, c.format(), entryPage(page))
}

type commandsShowCmd struct {
	Entry        int64         `arg:"" help:"Entry number."`
	Wait         time.Duration `help:"If the outcome is still open, wait this long for it." placeholder:"DURATION"`
	AllowMissing verdict.Allow `help:"How many acks may be missing: N or N%." placeholder:"N|N%"`
	ExitCode     bool          `help:"Exit with the code of the command that sent it."`
	connection
	output
}

// Run prints one entry: one row per driver for people, the document for programs.
func (c *commandsShowCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	a, err := server.Outcome(ctx, c.Entry, c.Wait)
	if err != nil {
		return err
	}
	e := a.Value
	server.line.Say("%s%s by %s at %s", verdict.Sentence(e), of(e), e.Submitter, e.SubmittedAt.Format(time.RFC3339))
	if by, ok := remote.ComputedOf(a.Value); ok {
		server.line.Say("now: %d of %d drivers report it, %d have not applied it",
			by.Converged, remote.Meant(a.Value), by.Lacking)
	}
	rows := verdictRows(a.Value)
	rows.Items, rows.Doc = []json.RawMessage{a.Raw}, a.Raw
	if err := console.Print(s.out, c.format(), rows); err != nil {
		return err
	}
	if c.ExitCode {
		return verdict.Error(a.Value, c.AllowMissing)
	}
	return nil
}

// verdictRows returns the verdicts of an entry, worst first.
func verdictRows(e remote.Entry) console.Rows {
	r := console.Rows{Columns: []console.Column{{Name: "DRIVER"}, {Name: "VERDICT"}, {Name: "MS"}, {Name: "WHY"}},
		Names: []string{fmt.Sprint(e.Seq)}}
	add := func(cells ...string) { r.Cells = append(r.Cells, cells) }
	ms := func(f float64) string { return fmt.Sprintf("%.1f", f) }
	for _, x := range e.Rejected {
		add(x.DriverId, "rejected", ms(x.LatencyMs), x.Code+": "+x.Detail)
	}
	for _, x := range e.Missing {
		add(x.DriverId, "missing", "", string(x.Reason))
	}
	for _, x := range deref(e.LeftOut) {
		add(x.DriverId, "left out", "", string(x.Reason))
	}
	for _, x := range e.Superseded {
		add(x.DriverId, "superseded", "", "")
	}
	for _, x := range e.Late {
		add(x.DriverId, "late "+string(x.Status), ms(x.LatencyMs), "")
	}
	if e.Acked != nil {
		for _, x := range *e.Acked {
			add(x.DriverId, "acked", ms(x.LatencyMs), "")
		}
	}
	return r
}

type commandsExportCmd struct {
	Submitter string `help:"Only entries of this submitter." placeholder:"NAME"`
	After     int64  `help:"Only records after this position." placeholder:"N"`
	Before    int64  `help:"Only records before this position." placeholder:"N"`
	connection
}

// Run prints the records as they arrive.
func (c *commandsExportCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	f := remote.CommandFilter{Submitter: c.Submitter, After: c.After, Before: c.Before}
	return server.Export(ctx, f, func(line []byte) error {
		_, err := io.WriteString(s.out, string(line)+"\n")
		return err
	})
}
