package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type contextCmd struct {
	List contextListCmd `cmd:"" default:"withargs" help:"List the named servers."`
	Set  contextSetCmd  `cmd:"" help:"Name a server, in the user's file."`
	Use  contextUseCmd  `cmd:"" help:"Select a named server as the default."`
}

type contextListCmd struct{ output }

// Run prints the user's contexts.
func (c *contextListCmd) Run(_ context.Context, s streams) error {
	f, err := settings.Read(settings.UserFile())
	if err != nil {
		return err
	}
	r := console.Rows{
		Columns: []console.Column{{Name: "NAME"}, {Name: "CHOSEN"}, {Name: "URL"}, {Name: "SUBMITTER"},
			{Name: "TOKEN FILE"}, {Name: "CA FILE", Wide: true}},
	}
	for _, name := range slices.Sorted(maps.Keys(f.Contexts)) {
		x, chosen := f.Contexts[name], "no"
		x.URL = remote.Mask(x.URL)
		if name == f.Context {
			chosen = "yes"
		}
		r.Cells, r.Names = append(r.Cells, []string{name, chosen, x.URL, x.Submitter, x.TokenFile, x.CAFile}),
			append(r.Names, name)
		r.Items = append(r.Items, mustJSON(struct {
			Name   string `json:"name"`
			Chosen bool   `json:"chosen"`
			settings.Context
		}{name, name == f.Context, x}))
	}
	return console.Print(s.out, c.format(), r)
}

type contextSetCmd struct {
	Name      string `arg:"" help:"Name of the context."`
	URL       string `name:"url" required:"" help:"Address of the server, or of several of one swarm with commas." placeholder:"URL"`
	TokenFile string `type:"path" help:"File with the access token." placeholder:"FILE"`
	CAFile    string `name:"ca-file" type:"path" help:"PEM file with the root CAs for the server's certificate." placeholder:"FILE"`
	Submitter string `help:"Name of the sender on this server." placeholder:"NAME"`
}

// Validate refuses what would fail in every later call. Kong calls it.
func (c *contextSetCmd) Validate() error {
	switch {
	case strings.TrimSpace(c.Name) == "" || console.Safe(c.Name) != c.Name:
		return errors.New("the name of a context must not be empty, nor have control characters")
	case swarm.HasSecret(c.Name), swarm.HasSecret(c.TokenFile):
		return errors.New("this looks like a token, not like the name of a context or of a file; swarmcall login stores " +
			"a token in a file")
	case c.Submitter != "" && !swarm.ValidSubmitter(c.Submitter):
		return errors.New("--submitter must begin with a letter or digit, and have only these and . _ : @ / - after " +
			"it, 128 at most")
	}
	if _, err := remote.ParseURLs(c.URL, "--url"); err != nil {
		return fmt.Errorf("--url: %w; use one such as http://127.0.0.1:8080", err)
	}
	return nil
}

// Run writes the user's file.
func (c *contextSetCmd) Run(_ context.Context, s streams) error {
	return editUserFile(s.err, func(f *settings.File) (string, error) {
		if f.Contexts == nil {
			f.Contexts = map[string]settings.Context{}
		}
		f.Contexts[c.Name] = settings.Context{
			URL: c.URL, TokenFile: c.TokenFile, CAFile: c.CAFile, Submitter: c.Submitter,
		}
		return fmt.Sprintf("context %s is saved; select it: swarmcall context use %s", c.Name, c.Name), nil
	})
}

type contextUseCmd struct {
	Name string `arg:"" help:"Name of the context."`
}

// Validate refuses the empty name, which means that no context is selected. Kong calls it.
func (c *contextUseCmd) Validate() error {
	if c.Name == "" {
		return errors.New("the name is empty; list the contexts: swarmcall context list")
	}
	return nil
}

// Run writes the user's file.
func (c *contextUseCmd) Run(_ context.Context, s streams) error {
	return editUserFile(s.err, func(f *settings.File) (string, error) {
		if _, known := f.Contexts[c.Name]; !known {
			return "", &clierr.Error{
				Code: clierr.Usage, What: fmt.Sprintf("there is no context %q in %s", c.Name, f.Path),
				Hint: "create it: swarmcall context set " + c.Name + " --url URL; list the contexts: swarmcall " +
					"context list",
			}
		}
		f.Context = c.Name
		return "context " + c.Name + " is selected; check it: swarmcall config view --origin", nil
	})
}

func editUserFile(w io.Writer, edit func(*settings.File) (string, error)) error {
	f, err := settings.Read(settings.UserFile())
	if err != nil {
		return err
	}
	said, err := edit(f)
	if err == nil {
		err = f.Write()
	}
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(w, said)
	return nil
}
