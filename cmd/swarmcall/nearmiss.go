package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
)

// nearMiss adds a suggestion to an error about an unknown word where kong adds none: kong does not suggest other
// commands if one of them is the default, and compares flags only by their beginning.
func nearMiss(err *kong.ParseError, args []string) error {
	text := err.Error()
	if strings.Contains(text, "did you mean") || len(args) == 0 {
		return err
	}
	if strings.HasPrefix(args[0], "-") {
		return misplaced(err, args[0])
	}
	if word, ok := strings.CutPrefix(text, "unexpected argument "); ok {
		return suggest(err, word, "", commandsOf(args[0]))
	}
	if word, ok := strings.CutPrefix(text, "unknown flag --"); ok {
		var flags []string
		for _, group := range err.Context.Model.AllFlags(true) {
			for _, f := range group {
				flags = append(flags, f.Name)
			}
		}
		if chosen := err.Context.Selected(); chosen != nil {
			for _, f := range chosen.Flags {
				flags = append(flags, f.Name)
			}
		}
		return suggest(err, word, "--", flags)
	}
	return err
}

// misplaced handles a flag that stands before the command.
func misplaced(err *kong.ParseError, flag string) error {
	name, _, _ := strings.Cut(flag, "=")
	switch name {
	case "--url", "--context", "--token-file", "--retry-for", "--debug", "--no-color",
		"--label", "--json", "-o", "--output":
		return suggestion{err, "flags come after the command, as in: swarmcall drivers list " + name}
	case "--version", "-v", "-V":
		return suggestion{err, "did you mean: swarmcall version"}
	}
	return err
}

// suggestion is an error with a hint.
type suggestion struct {
	*kong.ParseError
	hint string
}

func (s suggestion) Error() string { return s.ParseError.Error() + ", " + s.hint }

func (s suggestion) Unwrap() error { return s.ParseError }

func suggest(err *kong.ParseError, word, dashes string, candidates []string) error {
	if like := input.Nearest(word, candidates); like != "" {
		return suggestion{err, fmt.Sprintf("did you mean %q?", dashes+like)}
	}
	return err
}

// commandsOf returns the commands of a verb.
func commandsOf(name string) (commands []string) {
	i := slices.IndexFunc(verbs, func(v verb) bool { return v.name == name })
	if i < 0 {
		return nil
	}
	for f := range reflect.TypeOf(verbs[i].grammar()).Elem().Fields() {
		if _, ok := f.Tag.Lookup("cmd"); ok {
			commands = append(commands, strings.ToLower(f.Name))
		}
	}
	return commands
}

// helpTopics returns the topics of help: its texts and the verbs.
func helpTopics() (topics []string) {
	topics = []string{"exit-codes", "environment", "output", "plans"}
	for _, v := range verbs {
		if v.group != hidden {
			topics = append(topics, v.name)
		}
	}
	return topics
}
