package main

import (
	"cmp"
	"context"
	"embed"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

//go:embed completion
var completions embed.FS

// completionCmd prints the script that a shell sources. The script calls `swarmcall complete` for candidates.
type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"Shell: ${enum}."`
}

// Run prints the script.
func (c *completionCmd) Run(_ context.Context, s streams) error {
	script, err := completions.ReadFile("completion/" + c.Shell)
	if err == nil {
		_, err = s.out.Write(script)
	}
	return err
}

// completeCmd answers the scripts. Words are what was typed after swarmcall; the last one is to be completed.
type completeCmd struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints the possible words, one per line. It never fails: a failed completion must not disturb the shell.
func (c *completeCmd) Run(ctx context.Context, s streams) error { //nolint:unparam // a runner may fail
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	for _, word := range candidates(ctx, words[:len(words)-1], last) {
		if strings.HasPrefix(word, last) {
			_, _ = io.WriteString(s.out, console.Safe(word)+"\n")
		}
	}
	return nil
}

// candidates returns the words that may follow typed.
func candidates(ctx context.Context, typed []string, last string) []string {
	parser, err := kong.New(&struct{}{}, append(all(), commandTypes())...)
	if err != nil {
		return nil
	}
	node, flag := parser.Model.Node, (*kong.Flag)(nil)
	for _, word := range typed {
		flag = flagOf(node, word)
		if i := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == word }); i >= 0 {
			node, flag = node.Children[i], nil
		}
	}
	switch {
	case flag != nil:
		return valuesOf(ctx, flag, typed)
	case strings.HasPrefix(last, "-"):
		return flagsOf(node)
	}
	switch path := node.FullPath(); {
	case path == "swarmcall drivers show":
		return driverIDs(ctx, typed)
	case path == "swarmcall context use":
		return contexts()
	case path == "swarmcall token revoke":
		return tokenNames(typed)
	case path == "swarmcall help":
		return append([]string{"exit-codes", "environment", "output", "plans"}, children(parser.Model.Node)...)
	case len(node.Positional) > 0 && node.Positional[0].Enum != "":
		return strings.Split(node.Positional[0].Enum, ",")
	}
	return children(node)
}

// valuesOf returns the values that a flag accepts; nothing if only the user knows them.
func valuesOf(ctx context.Context, flag *kong.Flag, typed []string) []string {
	switch {
	case flag.Enum != "":
		return strings.Split(flag.Enum, ",")
	case flag.Name == "driver":
		return driverIDs(ctx, typed)
	case flag.Name == "context":
		return contexts()
	}
	return nil
}

func children(node *kong.Node) []string {
	var names []string
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// flagOf returns the flag that word names, if a value must follow it.
func flagOf(node *kong.Node, word string) *kong.Flag {
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			if !f.IsBool() && (word == "--"+f.Name || (f.Short != 0 && word == "-"+string(f.Short))) {
				return f
			}
		}
	}
	return nil
}

func flagsOf(node *kong.Node) []string {
	var names []string
	for _, group := range node.AllFlags(true) {
		for _, f := range group {
			names = append(names, "--"+f.Name)
		}
	}
	return names
}

// driverIDs asks the server for driver ids, with a short timeout because a shell waits for the answer. The words typed
// so far select the server.
func driverIDs(ctx context.Context, typed []string) []string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	to := connection{
		URL: valueOf(typed, "--url"), Context: valueOf(typed, "--context"), TokenFile: valueOf(typed, "--token-file"),
		CAFile: valueOf(typed, "--ca-file"),
	}
	server, err := to.dial(streams{err: io.Discard}, "")
	if err != nil {
		return nil
	}
	defer server.CloseIdle()
	page, err := server.Drivers(ctx, remote.DriverFilter{})
	if err != nil {
		return nil
	}
	return driverRows(page).Names
}

// valueOf returns the value typed for a flag, as one word or as two.
func valueOf(typed []string, flag string) string {
	for i, word := range typed {
		if value, ok := strings.CutPrefix(word, flag+"="); ok {
			return value
		}
		if word == flag && i+1 < len(typed) {
			return typed[i+1]
		}
	}
	return ""
}

// contexts returns the names in the user's file.
func contexts() []string {
	f, err := settings.Read(settings.UserFile())
	if err != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(f.Contexts))
}

// tokenNames returns the names in an auth file.
func tokenNames(typed []string) []string {
	path := cmp.Or(valueOf(typed, "--file"), os.Getenv(authFileEnv))
	f, err := authfile.Read(path)
	if err != nil {
		return nil
	}
	var names []string
	for _, t := range f.Tokens {
		names = append(names, t.Name)
	}
	return names
}
