package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// verb is one command word of the command line.
type verb struct {
	name, group, help string
	grammar           func() any // a pointer to a struct that kong reads
}

// Groups of verbs in the help. Hidden verbs are the demo's own.
const (
	control = "Control"
	look    = "Look"
	set     = "Set up"
	local   = "On this machine"
	hidden  = ""
)

// verbs lists all command words. Only the command that was typed gets a grammar: building all of them would take longer
// than a request to the server.
var verbs = []verb{
	{"players", control, "Set how many players the drivers run.", func() any { return &playersCmd{} }},
	{"spawn-delay", control, "Set the time between two spawns, per driver.", func() any { return &spawnDelayCmd{} }},
	{"stop", control, "Stop the load at once on all targeted drivers.", func() any { return &stopCmd{} }},
	{"ramp", control, "Raise or lower the load step by step.", func() any { return &rampCmd{} }},
	{"run", control, "Run a plan: stages of load, then a stop.", func() any { return &runCmd{} }},
	{"wait", control, "Wait for drivers.", func() any { return &waitCmd{} }},
	{"drivers", look, "Show the drivers.", func() any { return &driversCmd{} }},
	{"commands", look, "Show commands and their outcomes.", func() any { return &commandsCmd{} }},
	{"state", look, "Show the desired state, and which drivers report it.", func() any { return &stateCmd{} }},
	{"nodes", look, "Show the nodes of the cluster, or the only server.", func() any { return &nodesCmd{} }},
	{"watch", look, "Watch drivers and commands live, full-screen.", func() any { return &watchCmd{} }},
	{"context", set, "Name servers, and select one.", func() any { return &contextCmd{} }},
	{"config", set, "Show the settings in force, and their sources.", func() any { return &configCmd{} }},
	{"login", set, "Store a token for a server.", func() any { return &loginCmd{} }},
	{"logout", set, "Remove a stored token.", func() any { return &logoutCmd{} }},
	{"whoami", set, "Show whom the token belongs to, and what it may do.", func() any { return &whoamiCmd{} }},
	{"token", set, "Make, list and revoke tokens, in a server's auth file.", func() any { return &tokenCmd{} }},
	{"auth", set, "Check a server's auth file.", func() any { return &authCmd{} }},
	{"doctor", set, "Diagnose connection and setup problems.", func() any { return &doctorCmd{} }},
	{"completion", set, "Print the completion script of a shell.", func() any { return &completionCmd{} }},
	{"version", set, "Print the version.", func() any { return &versionCmd{} }},
	{"help", set, "Explain a topic: exit-codes, environment, output, plans.", func() any { return &helpCmd{} }},
	{"demo", local, "Run a server, some load drivers and a target on this machine, and send one command.",
		func() any { return &demoCmd{} }},
	{"drive", local, "Act as the driver of a load generator: http, k6, locust, or any program.",
		func() any { return &driveCmd{} }},
	{"driver", local, "Tools for authors of drivers.", func() any { return &driverCmd{} }},
	{"bench", local, "Measure the latency and throughput of commands on a server, with its own drivers.",
		func() any { return &benchCmd{} }},
	{"health", local, "Exit 0 if a server accepts commands, 8 if not.", func() any { return &healthCmd{} }},
	{"log", local, "Inspect, copy or move a log: verify, export, stats, backup, migrate.", func() any { return &logCmd{} }},
	{"demo-driver", hidden, "One driver of the demo.", func() any { return &demoDriverCmd{} }},
	{"demo-guard", hidden, "Run a program that ends when stdin does.", func() any { return &demoGuardCmd{} }},
	{"complete", hidden, "Words that may follow, for the completion scripts.", func() any { return &completeCmd{} }},
}

// run is main without the process. signals subscribes to the signals that end a command: the subscription runs while
// the arguments are parsed, and is in place before anything is sent.
func run(signals func() func() context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) clierr.Code {
	if len(args) == 0 {
		_, _ = io.WriteString(stdout, intro())
		return clierr.OK
	}
	until := context.Background
	if !isBrief(find(args)) {
		until = signals()
	}
	command, err := parse(args, stdout)
	if err != nil {
		// a token may be where a flag takes the name of a file
		_, _ = fmt.Fprintf(stderr, "swarmcall: %s\n%s", swarm.MaskSecrets(err.Error()), usageHint(err))
		report.Annotate(os.Getenv, stderr, commandLine(args), err)
		return clierr.Usage
	}
	if command == nil {
		return clierr.OK
	}
	if err := command.Run(until(), streams{stdin, stdout, stderr, args}); err != nil {
		_, _ = io.WriteString(stderr, clierr.Text(err))
		report.Annotate(os.Getenv, stderr, commandLine(args), err)
		return clierr.CodeOf(err)
	}
	return clierr.OK
}

// commandLine is what the user typed, for reports.
func commandLine(args []string) string {
	return swarm.MaskSecrets(remote.Mask("swarmcall " + strings.Join(args, " ")))
}

// runner is a command with parsed flags.
type runner interface {
	Run(ctx context.Context, s streams) error
}

// commandTypes are the values of a flag that names a command type.
func commandTypes() kong.Option {
	var types strings.Builder
	for _, t := range command.Types() {
		types.WriteString("," + string(t))
	}
	return kong.Vars{"types": types.String(), "types_in_words": command.OneOf()}
}

// parse reads the command line. It returns nil without an error if help was requested and printed.
func parse(args []string, stdout io.Writer) (runner, error) {
	helped := false
	options := []kong.Option{
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}
	options = append(append(options, labelFlags(), commandTypes()), input.Flags()...)
	typedArgs := args
	var grammar any
	if c := find(args); c != nil {
		grammar, args = c.grammar, args[c.typed:]
		options = append(options, kong.Name("swarmcall "+c.name), kong.Description(c.help), patience(c.name))
	} else {
		grammar = &struct{}{}
		options = append(options, all()...)
	}
	parser, err := kong.New(grammar, options...)
	if err != nil {
		return nil, err
	}
	read, err := parser.Parse(args)
	if helped {
		return nil, nil
	}
	if err != nil {
		return nil, inOurWords(err, typedArgs)
	}
	command := read.Model.Node
	if chosen := read.Selected(); chosen != nil {
		command = chosen
	}
	typed := command.Target.Addr().Interface().(runner)
	if c, ok := typed.(interface{ wait() }); ok && isGiven(read, "retry-for") {
		c.wait()
	}
	if c, ok := typed.(interface{ typed(flag func(string) bool) }); ok {
		c.typed(func(flag string) bool { return isGiven(read, flag) })
	}
	if err := checkShared(typed); err != nil {
		return nil, &usageError{err, command.FullPath()}
	}
	return typed, nil
}

// isGiven reports whether a flag was typed, as opposed to having its default.
func isGiven(read *kong.Context, flag string) bool {
	return slices.ContainsFunc(read.Path, func(p *kong.Path) bool { return p.Flag != nil && p.Flag.Name == flag })
}

// usageError is wrong usage of a command.
type usageError struct {
	error
	command string
}

func (e *usageError) Unwrap() error { return e.error }

// inOurWords replaces kong's error by one that says what is wrong, with a suggestion.
func inOurWords(err error, args []string) error {
	if number := notAFlag(err); number != nil {
		return number
	}
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		return nearMiss(parse, args)
	}
	return err
}

// notAFlag returns an error for a negative number, which kong takes for a flag. It is nil for other errors.
func notAFlag(err error) error {
	number, ok := strings.CutPrefix(err.Error(), "unknown flag -")
	parse, is := errors.AsType[*kong.ParseError](err)
	if !ok || !is || number == "" || number[0] < '0' || number[0] > '9' {
		return nil
	}
	node := parse.Context.Model.Node
	if chosen := parse.Context.Selected(); chosen != nil {
		node = chosen
	}
	number, _, _ = strings.Cut(number, ",")
	if len(node.Positional) == 0 {
		return nil
	}
	return &usageError{
		fmt.Errorf("<%s> is -%s; it must not be negative", node.Positional[0].Name, number), node.FullPath(),
	}
}

// checkShared checks the flags that several commands share.
func checkShared(typed any) error {
	if c, ok := typed.(interface{ contradiction() error }); ok {
		if err := c.contradiction(); err != nil {
			return err
		}
	}
	if c, ok := typed.(interface{ unwritable() error }); ok {
		return c.unwritable()
	}
	return nil
}

// all returns the options of a grammar with all verbs.
func all() []kong.Option {
	options := []kong.Option{
		kong.Name("swarmcall"), kong.Description("Live control for load-test swarms. Run swarmcall without " +
			"arguments for a quick start."),
		patience(""),
	}
	for _, v := range verbs {
		var tags []string
		if v.group == hidden {
			tags = []string{`hidden:""`}
		}
		options = append(options, kong.DynamicCommand(v.name, v.help, v.group, v.grammar(), tags...))
	}
	return options
}

// choice is a verb, or one of its commands, with its own grammar.
type choice struct {
	name, help string
	grammar    any
	typed      int // number of arguments that named it
}

// find returns the choice that args name completely, or nil: then the grammar of all verbs has to parse them, for help
// or an error.
func find(args []string) *choice {
	if len(args) == 0 {
		return nil
	}
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == args[0] })
	if i < 0 {
		return nil
	}
	v := &choice{args[0], verbs[i].help, verbs[i].grammar(), 1}
	for f := range reflect.TypeOf(v.grammar).Elem().Fields() {
		if _, ok := f.Tag.Lookup("cmd"); !ok {
			continue
		}
		v = nil // it does nothing without a command
		name, typed := strings.ToLower(f.Name), 0
		switch {
		case len(args) > 1 && args[1] == name:
			typed = 2
		case f.Tag.Get("default") != "" && namesNone(args[1:]):
			typed = 1
		default:
			continue
		}
		return &choice{args[0] + " " + name, f.Tag.Get("help"), reflect.New(f.Type).Interface(), typed}
	}
	return v
}

// namesNone reports whether words leave the choice of the command to the default.
func namesNone(words []string) bool {
	return len(words) == 0 || (strings.HasPrefix(words[0], "-") && words[0] != "-h" && words[0] != "--help")
}

// patience is how long a command retries while a server is unavailable: a plan must survive a restart, but a person
// wants an answer soon.
func patience(command string) kong.Vars {
	if command == "run" || command == "ramp" {
		return kong.Vars{"patience": "1m"}
	}
	return kong.Vars{"patience": "5s"}
}

func usageHint(err error) string {
	what := "swarmcall"
	if usage, ok := errors.AsType[*usageError](err); ok {
		what = usage.command
	} else if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil {
		what = parse.Context.Model.Name
		if selected := parse.Context.Selected(); selected != nil {
			what = selected.FullPath()
		}
	}
	return "Try: " + what + " --help\n"
}
