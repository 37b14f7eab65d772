package demo

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// DriverCommand is the name of the hidden CLI command that calls Drive.
const DriverCommand = "demo-driver"

// Options say what demo to run.
type Options struct {
	Self    string        // this executable, which also runs as the demo drivers
	Server  string        // server binary; empty: swarmcall-server next to Self, else on the PATH
	Listen  string        // address of the server; port 0 picks a free one
	DataDir string        // of the server
	Drivers int           // how many demo drivers
	Players int64         // players per driver of the first command
	For     time.Duration // how long the demo runs; 0: until the context ends
	Verbose bool          // copy the children's logs to Err
	Out     io.Writer
	Err     io.Writer
}

// How long parts of the demo may take.
const (
	callPatience   = 10 * time.Second // one HTTP call
	readyPatience  = 30 * time.Second // the server's start; a long log takes a while to read
	driverPatience = 15 * time.Second // all drivers' first registration
	driverLeave    = 5 * time.Second  // the drivers' shutdown
	serverLeave    = 12 * time.Second // the server's shutdown, which takes at most 10 s
	watchEvery     = 2 * time.Second
)

// demo is a running demo.
type demo struct {
	Options
	url     string // of the server
	api     *remote.Client
	target  *target
	server  *child
	drivers []*child
	echo    io.Writer // receives the children's output, line by line; nil: none
}

// Run runs the demo until ctx ends or the server does. All its processes have ended when it returns.
func Run(ctx context.Context, o Options) (err error) {
	d := &demo{Options: o}
	if o.Verbose {
		d.echo = &lockedWriter{w: o.Err}
	}
	if d.target, err = startTarget(ctx); err != nil {
		return &clierr.Error{Code: clierr.Failed, What: "cannot open a local port for the demo's target", Cause: err}
	}
	defer d.target.close()
	if err := d.startServer(ctx); err != nil {
		return interruptIsNoError(ctx, err)
	}
	defer d.stop()
	if err := d.awaitAddress(ctx); err != nil {
		return interruptIsNoError(ctx, err)
	}
	if d.api, err = remote.Dial(remote.Config{URL: d.url, From: "the server's log",
		Agent: "swarmcall-demo"}); err != nil {
		return err
	}
	defer d.api.CloseIdle()
	if err := d.awaitReady(ctx); err != nil {
		return interruptIsNoError(ctx, err)
	}
	if err := d.startDrivers(ctx); err != nil {
		return interruptIsNoError(ctx, err)
	}
	first, err := d.firstCommand(ctx)
	if err != nil {
		return interruptIsNoError(ctx, err)
	}
	d.printHints()
	if d.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d.For)
		defer cancel()
	}
	if err := d.watch(ctx, first.Seq); err != nil {
		return err
	}
	if d.For > 0 {
		return outcomeError(first) // a script needs the exit code
	}
	return nil
}

// interruptIsNoError returns nil if ctx has ended: an interrupt during the start is not an error.
func interruptIsNoError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// startDrivers starts the drivers and waits until all of them are active on the server.
func (d *demo) startDrivers(ctx context.Context) error {
	ours := map[string]bool{}
	for i := range d.Drivers {
		id := fmt.Sprintf("demo-%d", i+1)
		argv := []string{d.Self, DriverCommand, "--url", d.url, "--id", id, "--target", d.target.URL}
		c, err := startChild(id, argv, newTail(id, d.echo))
		if err != nil {
			return &clierr.Error{Code: clierr.Failed, What: "cannot start driver " + id, Cause: err}
		}
		d.drivers = append(d.drivers, c)
		ours[id] = true
	}
	return d.poll(ctx, driverPatience, func(ctx context.Context) (bool, error) {
		for _, c := range d.drivers {
			if c.ended() {
				return false, ended("driver "+c.name, c, "see the server's log as well: swarmcall demo --verbose")
			}
		}
		r, err := d.roster(ctx)
		active := 0
		for _, one := range r.Items {
			if ours[one.DriverId] && one.State == client.DriverStateActive {
				active++
			}
		}
		if err == nil && active < d.Drivers {
			err = fmt.Errorf("%d of %d are active", active, d.Drivers)
		}
		return err == nil, waiting("not all drivers registered", err)
	})
}

// stop ends the drivers, so that they deregister, and then the server.
func (d *demo) stop() {
	if !d.server.ended() {
		_, _ = fmt.Fprintln(d.Out, "\nending: the drivers deregister, then the server stops")
	}
	killed := endAll(driverLeave, d.drivers...)
	killed = append(killed, endAll(serverLeave, d.server)...)
	for _, name := range killed {
		_, _ = fmt.Fprintf(d.Err, "swarmcall: %s did not end when asked and was killed\n", name)
	}
}

// serverBinary finds the server's executable.
func (d *demo) serverBinary() (string, error) {
	if d.Server != "" {
		_, err := os.Stat(d.Server)
		return d.Server, err
	}
	return findBeside(d.Self, "swarmcall-server")
}
