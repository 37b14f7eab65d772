package main

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/check"
)

// driverCmd groups what is for the authors of drivers.
type driverCmd struct {
	Check driverCheckCmd `cmd:"" help:"Play a server with whatever driver connects, and tell which duties of the protocol it keeps."`
}

// driverCheckCmd is the conformance kit's face; package check is between the two.
type driverCheckCmd struct {
	Listen     string        `default:"127.0.0.1:9000" help:"Where the driver connects (${default}); port 0 picks a free one." placeholder:"HOST:PORT"`
	Transcript string        `help:"Write all that happens to this file, as JSON Lines." placeholder:"FILE"`
	DriverID   string        `help:"Check the driver of this id, and send others away." placeholder:"ID"`
	Players    int64         `default:"10" help:"The most players the driver is told to run (${default}), 4 or more."`
	Wait       time.Duration `default:"30s" help:"How long to wait for the driver, and for who ends it by hand (${default})."`
	Command    []string      `arg:"" optional:"" help:"Starts the driver, with the server's address in SWARMCALL_URL; put it after --. Without it, start the driver by hand."`
}

// Validate bounds what is asked of the driver. Kong calls it.
func (c *driverCheckCmd) Validate() error {
	if c.Players < 4 || c.Players > 1_000_000 {
		return errors.New("--players must be 4 to 1000000")
	}
	if c.Wait <= 0 {
		return errors.New("--wait must be more than 0")
	}
	return nil
}

// Run checks a driver and prints the report.
func (c *driverCheckCmd) Run(ctx context.Context, s streams) error {
	return check.Run(ctx, check.Options{
		Listen: c.Listen, Transcript: c.Transcript, DriverID: c.DriverID, Players: c.Players, Wait: c.Wait,
		Command: c.Command,
		Out:     s.out, Err: s.err,
	})
}
