package main

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
)

// healthCmd checks whether a server accepts commands. It is also the container's health check, because it needs no
// shell.
type healthCmd struct {
	URL     string        `name:"url" default:"http://127.0.0.1:8080" env:"SWARMCALL_URL" help:"Server to check (${default}); of several with commas, one that accepts commands is enough."`
	CAFile  string        `name:"ca-file" env:"SWARMCALL_CA_FILE" help:"PEM file with the root CAs for the server's certificate; default: the system's." placeholder:"FILE"`
	Timeout time.Duration `default:"3s" help:"How long to wait for the answer (${default})."`
}

// Run requests GET /readyz. It prints nothing if the server is ready.
func (c *healthCmd) Run(ctx context.Context, _ streams) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	file := settings.Value{Value: c.CAFile, Origin: "--ca-file or SWARMCALL_CA_FILE"}
	roots, err := settings.Settings{CAFile: file}.Roots()
	if err != nil {
		return err
	}
	server, err := remote.Dial(remote.Config{URL: c.URL, Roots: roots, Agent: "swarmcall/" + version})
	if err == nil {
		defer server.CloseIdle()
		_, err = server.Ready(ctx)
	}
	if err == nil {
		return nil
	}
	return &clierr.Error{
		Code: clierr.Unreachable, What: remote.Mask(c.URL) + " does not accept commands", Cause: clierr.Cause(err),
		Hint: "is the server running at this address? Try: swarmcall health --url URL",
	}
}
