package main

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/check"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
)

// driverCmd groups the tools for authors of drivers.
type driverCmd struct {
	Check driverCheckCmd `cmd:"" help:"Act as a server for the driver that connects, and report which protocol requirements it meets."`
}

// driverCheckCmd has the flags of the conformance kit; package check connects the two.
type driverCheckCmd struct {
	Listen     string        `default:"127.0.0.1:9000" help:"Address for the driver to connect to (${default}); port 0 picks a free one." placeholder:"HOST:PORT"`
	Transcript string        `help:"Write all events to this file, as JSON Lines." placeholder:"FILE"`
	DriverID   string        `help:"Check the driver with this id, and refuse others." placeholder:"ID"`
	Players    int64         `default:"10" help:"Maximum number of players to command (${default}), 4 or more."`
	TokenFile  string        `help:"File with the token that the driver must present. A driver that is started gets a copy in SWARMCALL_TOKEN_FILE, and must notice when that is replaced." placeholder:"FILE"`
	Wait       time.Duration `default:"30s" help:"How long to wait for the driver to connect, and for you to end it by hand (${default})."`
	Command    []string      `arg:"" optional:"" help:"Command that starts the driver, with the server's address in SWARMCALL_URL; put it after --. Without it, start the driver by hand."`
}

// Validate limits the load on the driver. Kong calls it.
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
	token, err := settings.Settings{TokenFile: settings.Value{Value: c.TokenFile, Origin: "--token-file"}}.Token()
	if err != nil {
		return err
	}
	return check.Run(ctx, check.Options{
		Listen: c.Listen, Transcript: c.Transcript, DriverID: c.DriverID, Players: c.Players, Wait: c.Wait,
		Command: c.Command, Token: token,
		Out: s.out, Err: s.err,
	})
}
