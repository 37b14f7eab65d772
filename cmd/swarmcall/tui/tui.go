package tui

import (
	"context"
	"io"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

// Options say what to watch.
type Options struct {
	Client    *remote.Client
	Submitter string
	In        io.Reader
	Out       io.Writer
}

// Run is written next.
func Run(context.Context, Options) error { return nil }
