package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/httpload"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/k6"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/locust"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/program"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// driveCmd turns load generators into drivers; package drive does the work.
type driveCmd struct {
	HTTP   driveHTTPCmd   `cmd:"" name:"http" help:"Generate HTTP load on a URL from this process."`
	K6     driveK6Cmd     `cmd:"" name:"k6" help:"Start a k6 1.x, or attach to one, and drive it."`
	Locust driveLocustCmd `cmd:"" help:"Start a Locust, or attach to one, and drive it."`
	Exec   driveExecCmd   `cmd:"" help:"Start any program, and drive it with lines of JSON on its stdin and stdout."`
}

// driveFlags are the flags of all drivers.
type driveFlags struct {
	URL        string            `name:"url" help:"Server, or several of one swarm with commas; default: from SWARMCALL_URL, the settings files, or http://127.0.0.1:8080." placeholder:"URL"`
	DriverID   string            `name:"driver-id" help:"Driver id (default: host name and a random suffix)." placeholder:"ID"`
	Label      map[string]string `mapsep:"none" help:"Label that commands can select; may be repeated." placeholder:"KEY=VALUE"`
	MaxPlayers int64             `help:"Reject commands for more players than this (0: no limit)." placeholder:"N"`
	Weight     float64           `default:"1" help:"Share of a total, relative to other drivers (${default})."`
	TokenFile  string            `help:"File with the access token, read at every connect; default: from SWARMCALL_TOKEN_FILE or the settings files." placeholder:"FILE"`
	CAFile     string            `name:"ca-file" help:"PEM file with the root CAs for the server's certificate, read at every connect; default: from SWARMCALL_CA_FILE, the settings files, or the system's." placeholder:"FILE"`
	Context    string            `help:"Named server from the settings files; default: from SWARMCALL_CONTEXT or the settings files." placeholder:"NAME"`
	Linger     time.Duration     `default:"5s" help:"After the generator has ended, stay connected and reject commands this long (${default})."`
	Verbose    bool              `short:"v" help:"Log all events, not only warnings."`

	InsecureToken bool `help:"Allow to send the token without encryption to another machine."`
}

// Validate refuses what the server would refuse. Kong calls it.
func (f *driveFlags) Validate() error {
	switch {
	case f.MaxPlayers < 0:
		return errors.New("--max-players must not be negative")
	case !(f.Weight >= 0.001 && f.Weight <= 1_000_000):
		return errors.New("--weight must be 0.001 to 1000000")
	case f.Linger < 0:
		return errors.New("--linger must not be negative")
	}
	return nil
}

// run drives g. It continues if its output is no longer read: the driver deregisters only when ctx ends or g ends, and
// only after its load is at 0.
func (f *driveFlags) run(ctx context.Context, s streams, g drive.Generator) error {
	outliveReaders()
	o, err := f.options(s)
	if err != nil {
		g.Close()
		return err
	}
	return drive.Run(ctx, o, g)
}

func (f *driveFlags) options(s streams) (o drive.Options, err error) {
	if swarm.HasSecret(f.DriverID) || swarm.HasSecret(fmt.Sprint(f.Label)) {
		return o, &clierr.Error{
			Code: clierr.Usage, What: "--driver-id or --label has what looks like a token; everybody could read it there",
			Hint: "revoke that token; write a new one to a file, and name the file with --token-file",
		}
	}
	found, err := connection{URL: f.URL, TokenFile: f.TokenFile, CAFile: f.CAFile, Context: f.Context}.settings("")
	if err != nil {
		return o, err
	}
	if _, err := wire.SplitURLs(found.URL.Value); err != nil {
		return o, &clierr.Error{
			Code: clierr.Usage, What: err.Error(), Hint: "the list of server addresses comes from " + found.URL.Origin,
		}
	}
	return drive.Options{
		URL: found.URL.Value, TokenFile: found.TokenFile.Value, CAFile: found.CAFile.Value, InsecureToken: f.InsecureToken,
		DriverID: f.DriverID, Labels: f.Label, MaxPlayers: f.MaxPlayers,
		Weight:  f.Weight,
		Version: buildVersion().Version, Linger: f.Linger, Out: s.out, Log: f.log(s),
	}, nil
}

func (f *driveFlags) log(s streams) *slog.Logger {
	level := slog.LevelWarn
	if f.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(s.err, &slog.HandlerOptions{Level: level}))
}

// guarded returns the driver's log for a generator that the driver is about to start. It logs a warning if the
// generator may outlive the driver.
func (f *driveFlags) guarded(s streams) *slog.Logger {
	log := f.log(s)
	if why := proc.Unguarded(); why != "" {
		log.Warn(why)
	}
	return log
}

// onScreen lets progress and messages share a terminal. The generator's output goes to said.
func onScreen(s streams) (screen streams, said *drive.Blocks) {
	shared := drive.NewScreen(s.out, s.err)
	s.out, s.err = shared, shared.Err()
	return s, drive.NewBlocks(s.err)
}

// driveHTTPCmd generates load in this process.
type driveHTTPCmd struct {
	driveFlags
	Target   string        `required:"" help:"URL to load." placeholder:"URL"`
	Mode     string        `enum:"users,rate" default:"users" help:"What one player is: with users, it sends one request after the other; with rate, one request per second regardless of the answers (${default})."`
	Method   string        `default:"GET" help:"HTTP method (${default})."`
	Header   []string      `short:"H" sep:"none" help:"Header for each request; may be repeated." placeholder:"\"NAME: VALUE\""`
	Body     string        `help:"Body for each request, or @FILE." placeholder:"TEXT"`
	Timeout  time.Duration `default:"30s" help:"Timeout of one request (${default}; 0: none)."`
	Insecure bool          `help:"Accept any certificate of the target."`
}

// Run drives the load until ctx ends.
func (c *driveHTTPCmd) Run(ctx context.Context, s streams) error {
	if c.MaxPlayers == 0 {
		c.MaxPlayers = httpload.DefaultMaxPlayers
	}
	load, err := httpload.New(httpload.Options{
		Target: c.Target, Method: c.Method, Header: c.Header, Body: c.Body, Timeout: c.Timeout, Insecure: c.Insecure,
		Rate: c.Mode == "rate", Max: c.MaxPlayers,
	})
	if err != nil {
		return &clierr.Error{Code: clierr.Usage, What: "cannot load this target", Cause: err}
	}
	s, _ = onScreen(s)
	return c.run(ctx, s, load)
}

// driveK6Cmd drives k6.
type driveK6Cmd struct {
	driveFlags
	Script string   `arg:"" optional:"" help:"Script for k6 run."`
	Args   []string `arg:"" optional:"" help:"After --: arguments for k6 run." placeholder:"ARGS"`
	K6     string   `name:"k6" default:"k6" help:"The k6 program (${default})." placeholder:"PATH"`
	Attach string   `help:"Drive the k6 whose API is at this URL, instead of starting one." placeholder:"URL"`
}

// Run drives k6 until ctx ends, or k6 ends.
func (c *driveK6Cmd) Run(ctx context.Context, s streams) error {
	if (c.Script == "") == (c.Attach == "") {
		return &clierr.Error{
			Code: clierr.Usage, What: "give either a SCRIPT to start, or --attach URL to use a running k6",
		}
	}
	s, said := onScreen(s)
	var g *k6.Generator
	var err error
	if c.Attach != "" {
		g, err = k6.Attach(ctx, c.Attach, c.log(s))
	} else {
		g, err = k6.Start(ctx, k6.Options{K6: c.K6, Script: c.Script, Args: c.Args, Out: said, Log: c.guarded(s)})
	}
	if err != nil {
		return said.Once(err)
	}
	return said.Once(c.run(ctx, s, g))
}

// driveLocustCmd drives Locust.
type driveLocustCmd struct {
	driveFlags
	File   string   `short:"f" help:"Locustfile to start Locust with." placeholder:"FILE"`
	Args   []string `arg:"" optional:"" help:"After --: arguments for locust, such as --host." placeholder:"ARGS"`
	Locust string   `default:"locust" help:"The locust program (${default})." placeholder:"PATH"`
	Attach string   `help:"Drive the Locust whose web interface is at this URL, instead of starting one." placeholder:"URL"`
}

// Run drives Locust until ctx ends, or Locust ends.
func (c *driveLocustCmd) Run(ctx context.Context, s streams) error {
	if (c.File == "") == (c.Attach == "") {
		return &clierr.Error{
			Code: clierr.Usage,
			What: "give either -f FILE to start Locust, or --attach URL to use a running Locust",
		}
	}
	s, said := onScreen(s)
	var g *locust.Generator
	var err error
	if c.Attach != "" {
		g, err = locust.Attach(ctx, c.Attach, c.log(s))
	} else {
		g, err = locust.Start(ctx, locust.Options{Locust: c.Locust, File: c.File, Args: c.Args, Out: said,
			Log: c.guarded(s)})
	}
	if err != nil {
		return said.Once(err)
	}
	return said.Once(c.run(ctx, s, g))
}

// driveExecCmd drives any program.
type driveExecCmd struct {
	driveFlags
	Program []string `arg:"" help:"After --: program and arguments."`
}

// Run drives the program until ctx ends, or the program ends.
func (c *driveExecCmd) Run(ctx context.Context, s streams) error {
	s, said := onScreen(s)
	g, err := program.Start(c.Program, said, c.guarded(s))
	if err != nil {
		return said.Once(err)
	}
	return said.Once(c.run(ctx, s, g))
}
