package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
)

// verb is one word of the command line.
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

// verbs are all words. Only the one that was typed is made into a grammar: all of them would take longer than an answer of the server.
var verbs = []verb{
	{"players", control, "Set how many players the drivers run.", func() any { return &playersCmd{} }},
	{"spawn-delay", control, "Set the time between two spawns.", func() any { return &spawnDelayCmd{} }},
	{"stop", control, "Stop the load, now and everywhere.", func() any { return &stopCmd{} }},
	{"ramp", control, "Raise or lower the load step by step.", func() any { return &rampCmd{} }},
	{"run", control, "Run a plan: stages of load, and a stop at its end.", func() any { return &runCmd{} }},
	{"wait", control, "Wait for drivers.", func() any { return &waitCmd{} }},
	{"drivers", look, "See who is there.", func() any { return &driversCmd{} }},
	{"commands", look, "See what was commanded, and what came of it.", func() any { return &commandsCmd{} }},
	{"state", look, "See the desired state, and who reports it.", func() any { return &stateCmd{} }},
	{"watch", look, "Watch it all, live and full-screen.", func() any { return &watchCmd{} }},
	{"context", set, "Name servers, and choose one.", func() any { return &contextCmd{} }},
	{"config", set, "See which settings are in force, and why.", func() any { return &configCmd{} }},
	{"doctor", set, "Find out why it does not work.", func() any { return &doctorCmd{} }},
	{"completion", set, "Print the completion script of a shell.", func() any { return &completionCmd{} }},
	{"version", set, "Print the version.", func() any { return &versionCmd{} }},
	{"help", set, "Explain a topic: exit-codes, environment, output, plans.", func() any { return &helpCmd{} }},
	{"demo", local, "Run a server, some load drivers and a target on this machine, and show one command at work.", func() any { return &demoCmd{} }},
	{"drive", local, "Be a driver of a load generator: http, k6, locust, or any program.", func() any { return &driveCmd{} }},
	{"driver", local, "For authors of drivers.", func() any { return &driverCmd{} }},
	{"health", local, "Exit 0 if a server takes commands, 8 if not.", func() any { return &healthCmd{} }},
	{"log", local, "Look into a log on disk: verify, export, stats.", func() any { return &logCmd{} }},
	{"demo-driver", hidden, "One driver of the demo.", func() any { return &demoDriverCmd{} }},
	{"demo-guard", hidden, "Run a program that ends when stdin does.", func() any { return &demoGuardCmd{} }},
	{"complete", hidden, "Words that may follow, for the completion scripts.", func() any { return &completeCmd{} }},
}

// run is main without the process. The context is asked for once, before anything is sent.
func run(until func() context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) clierr.Code {
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
	command.BindTo(until(), (*context.Context)(nil))
	if err := command.Run(streams{stdin, stdout, stderr, args}); err != nil {
		_, _ = io.WriteString(stderr, clierr.Text(err))
		return clierr.CodeOf(err)
	}
	return clierr.OK
}

// parse reads the command line. It returns nil without an error when help was asked for and printed.
func parse(args []string, stdout io.Writer) (*kong.Context, error) {
	helped := false
	options := []kong.Option{
		kong.Name("swarmcall"),
		kong.Description("Live control for load-test swarms. Without arguments: how to begin."),
		kong.Writers(stdout, stdout),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	}
	parser, err := kong.New(&struct{}{}, append(options, grammarFor(args...)...)...)
	if err != nil {
		return nil, err
	}
	command, err := parser.Parse(args)
	if helped {
		return nil, nil
	}
	return command, err
}

// grammarFor is the grammar of the verb that words begin with, or of all when they begin with none.
func grammarFor(words ...string) []kong.Option {
	chosen, noun, leaf := verbs, "", ""
	if len(words) > 0 {
		noun = words[0]
	}
	if len(words) > 1 {
		leaf = words[1]
	}
	if i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == noun }); i >= 0 {
		chosen = verbs[i : i+1]
	}
	options := []kong.Option{kong.Vars{"patience": patience(noun)}}
	for _, v := range chosen {
		var tags []string
		if v.group == hidden {
			tags = []string{`hidden:""`}
		}
		options = append(options, kong.DynamicCommand(v.name, v.help, v.group, only(v.grammar(), leaf), tags...))
	}
	return options
}

// only cuts a grammar down to one of its commands, if it has that.
func only(grammar any, name string) any {
	t := reflect.TypeOf(grammar).Elem()
	for f := range t.Fields() {
		if _, command := f.Tag.Lookup("cmd"); command && strings.EqualFold(f.Name, name) {
			return reflect.New(reflect.StructOf([]reflect.StructField{f})).Interface()
		}
	}
	return grammar
}

// patience is how long a verb bears a server that is away: a plan must live through a restart, and a person wants an answer.
func patience(word string) string {
	if word == "run" || word == "ramp" {
		return "1m"
	}
	return "5s"
}

func usageHint(err error) string {
	if parse, ok := errors.AsType[*kong.ParseError](err); ok && parse.Context != nil && parse.Context.Command() != "" {
		return "Try: swarmcall " + parse.Context.Command() + " --help\n"
	}
	return "Try: swarmcall --help\n"
}
