package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/demo"
)

// demoCmd has the flags of the demo; package demo does the work.
type demoCmd struct {
	Server  string        `help:"Server binary (default: swarmcall-server in the directory of this program, then on the PATH)." placeholder:"PATH"`
	Listen  string        `default:"127.0.0.1:8080" help:"Address of the server (${default}); port 0 picks a free one." placeholder:"HOST:PORT"`
	DataDir string        `default:"./data" help:"Directory of the server's log (${default})." placeholder:"DIR"`
	Drivers int           `default:"3" help:"Number of demo drivers, 1 to 50."`
	Players int64         `default:"20" help:"Players per driver at the start, 0 to 5000."`
	For     time.Duration `help:"Exit after this time, with the exit code of the first command's outcome." placeholder:"DURATION"`
	Verbose bool          `short:"v" help:"Show what the server and the drivers log."`
}

// Validate limits the load on one machine. Kong calls it.
func (c *demoCmd) Validate() error {
	switch {
	case c.Drivers < 1 || c.Drivers > 50:
		return errors.New("--drivers must be 1 to 50: each is a process")
	case c.Players < 0 || c.Players > demo.MaxPlayers:
		return fmt.Errorf("--players must be 0 to %d: a demo driver accepts no more", demo.MaxPlayers)
	case c.For < 0:
		return errors.New("--for must not be negative")
	}
	return nil
}

// Run runs the demo. It continues to its regular end even if its output is no longer read.
func (c *demoCmd) Run(ctx context.Context, s streams) error {
	outliveReaders()
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("cannot find the path of this program, which it needs to start the drivers: %w", err)
	}
	return demo.Run(ctx, demo.Options{
		Self: self, Server: c.Server, Listen: c.Listen, DataDir: c.DataDir, Drivers: c.Drivers, Players: c.Players,
		For: c.For, Verbose: c.Verbose, Out: s.out, Err: s.err,
	})
}

// demoDriverCmd is one driver process of the demo.
type demoDriverCmd struct {
	URL    string `required:"" help:"Server."`
	ID     string `name:"id" required:"" help:"Driver id."`
	Target string `required:"" help:"URL the players visit."`
}

// Run serves commands until the demo ends.
func (c *demoDriverCmd) Run(ctx context.Context, s streams) error {
	return demo.Drive(ctx, demo.DriverOptions{
		URL: c.URL, ID: c.ID, Target: c.Target, Version: buildVersion().Version, Log: s.err,
	})
}

// demoGuardCmd is the process between the demo and a child on systems that do not end children with their parent.
type demoGuardCmd struct {
	Argv []string `arg:"" help:"Program and arguments."`
}

// Run runs the program until stdin ends, and exits with its exit code.
func (c *demoGuardCmd) Run(_ context.Context, s streams) error {
	err := demo.Guard(c.Argv, s.in, s.out, s.err)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return &clierr.Error{Code: clierr.Code(max(exit.ExitCode(), 1)), What: c.Argv[0], Cause: err}
	}
	return err
}
