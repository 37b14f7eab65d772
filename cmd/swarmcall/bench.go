package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/bench"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
)

// benchCmd measures a server; package bench does the work.
type benchCmd struct {
	Drivers    int            `default:"100" help:"Drivers in this process that connect to the server, 1 to 20000 (${default})."`
	Commands   int            `default:"500" help:"Commands to measure, 1 to 1000000 (${default})."`
	Submitters int            `default:"1" help:"Concurrent submitters, 1 to 1000 (${default}); newer commands supersede older ones that wait."`
	Deadline   *time.Duration `help:"How long drivers may take to ack, 1ms to 60s; default: the server's." placeholder:"DURATION"`
	Submitter  string         `help:"Name of the sender; default: bench, or that of the token. The entries stay in the server's log." placeholder:"NAME"`
	connection
	output

	InsecureToken bool `help:"Let the drivers send the token without encryption to another machine."`
}

// Validate bounds the flags. Kong calls it.
func (c *benchCmd) Validate() error {
	switch {
	case c.Drivers < 1 || c.Drivers > 20_000:
		return errors.New("--drivers must be 1 to 20000")
	case c.Commands < 1 || c.Commands > 1_000_000:
		return errors.New("--commands must be 1 to 1000000")
	case c.Submitters < 1 || c.Submitters > 1000:
		return errors.New("--submitters must be 1 to 1000")
	}
	return checkDeadline(c.Deadline)
}

// Run measures and prints.
func (c *benchCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, c.Submitter)
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	result, err := bench.Run(ctx, bench.Options{
		Client: server.Client, TokenFile: server.TokenFile.Value, CAFile: server.CAFile.Value,
		InsecureToken: c.InsecureToken, Version: buildVersion().Version, Submitter: c.sender(server.TokenFile.Value),
		Drivers: c.Drivers, Commands: c.Commands, Submitters: c.Submitters, Deadline: deref(c.Deadline),
		Progress: func(what string, done, of int) {
			server.line.Draw(server.line.Part("bench", what, int64(done), int64(of)))
		},
	})
	server.line.Keep()
	if result.Commands > 0 {
		if err := c.print(s, result); err != nil {
			return err
		}
	}
	if err == nil {
		err = result.Verdict()
	}
	return err
}

const benchName = "bench"

// sender is the submitter of the commands; "" for that of the token.
func (c *benchCmd) sender(token string) string {
	if token == "" {
		return cmp.Or(c.Submitter, benchName)
	}
	return c.Submitter
}

func (c *benchCmd) print(s streams, r bench.Result) error {
	doc, err := json.Marshal(r)
	if err != nil {
		return err
	}
	rows := console.Rows{
		Columns: []console.Column{{Name: "DRIVERS"}, {Name: "SUBMITTERS", Wide: true}, {Name: "COMMANDS"},
			{Name: "ACKED"}, {Name: "REJECTED"},
			{Name: "MISSING"}, {Name: "SUPERSEDED", Wide: true}, {Name: "P50 MS"}, {Name: "P90 MS", Wide: true},
			{Name: "P99 MS"}, {Name: "MAX MS"},
			{Name: "COMMANDS/S"}, {Name: "ACKS/S"}},
		Cells: [][]string{{
			strconv.Itoa(r.Drivers), strconv.Itoa(r.Submitters), strconv.Itoa(r.Commands), strconv.Itoa(r.Acked),
			strconv.Itoa(r.Rejected),
			strconv.Itoa(r.Missing), strconv.Itoa(r.Superseded), ms(r.RoundTrip.P50), ms(r.RoundTrip.P90),
			ms(r.RoundTrip.P99), ms(r.RoundTrip.Max),
			fmt.Sprintf("%.0f", r.CommandsPerSecond), fmt.Sprintf("%.0f", r.AcksPerSecond),
		}},
		Names: []string{cmp.Or(c.Submitter, benchName)}, Items: []json.RawMessage{doc}, Doc: doc,
	}
	return console.Print(s.out, c.format(), rows)
}

func ms(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }
