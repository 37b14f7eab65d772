// Command swarmcall is the command-line client of Swarmcall, and the demo of it.
//
// It is a client like any other: HTTP to the server, the public driver SDK to be a driver. Of the server it has only the reader of
// log files, which starts no engine.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(int(code))
}

// endSignals are the signals that end a command in order. A hang-up is one, unless nohup has it ignored.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// streams are the process's own: data goes to out, messages to err.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// cli is the command line.
type cli struct {
	Demo    demoCmd    `cmd:"" help:"Run a server, some load drivers and a target on this machine, and show one command at work."`
	Drive   driveCmd   `cmd:"" help:"Be a driver of a load generator: http, k6, locust, or any program."`
	Driver  driverCmd  `cmd:"" help:"For authors of drivers."`
	Health  healthCmd  `cmd:"" help:"Exit 0 if a server takes commands, 8 if not."`
	Log     logCmd     `cmd:"" help:"Look into a log on disk: verify, export, stats."`
	Version versionCmd `cmd:"" help:"Print the version."`

	DemoDriver demoDriverCmd `cmd:"" hidden:"" help:"One driver of the demo."`
	DemoGuard  demoGuardCmd  `cmd:"" hidden:"" help:"Run a program that ends when stdin does."`
}

// run is main without the process.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) clierr.Code {
	if len(args) == 0 {
		_, _ = io.WriteString(stdout, intro())
		return clierr.OK
	}
	command, err := parse(args, stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "swarmcall: %v\n%s", err, usageHint(err))
		return clierr.Usage
	}
	if command == nil {
		return clierr.OK
	}
	command.BindTo(ctx, (*context.Context)(nil))
	if err := command.Run(streams{stdin, stdout, stderr}); err != nil {
		_, _ = io.WriteString(stderr, clierr.Text(err))
		return clierr.CodeOf(err)
	}
	return clierr.OK
}

// parse reads the command line. It returns nil without an error when help was asked for and printed.
func parse(args []string, stdout io.Writer) (*kong.Context, error) {
	helped := false
	parser, err := kong.New(&cli{},
		kong.Name("swarmcall"),
		kong.Description("Live control for load-test swarms. Without arguments: how to begin."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		return nil, err
	}
	command, err := parser.Parse(args)
	if helped {
		return nil, nil
	}
	return command, err
}

func usageHint(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil && parse.Context.Command() != "" {
		return "Try: swarmcall " + parse.Context.Command() + " --help\n"
	}
	return "Try: swarmcall --help\n"
}
