// Command server runs a Swarmcall server: controllers speak HTTP to it, drivers WebSocket.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"
	_ "time/tzdata" // containers have no time zone files, and TZ would be ignored silently

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is main without the process: 0 after an orderly stop, 1 if the server could not start or continue, 2 for wrong
// usage.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	hangUps, stop := catchHangUps()
	defer stop()
	flags, done, err := parse(args, environ, stdout)
	if err != nil {
		return usage(stderr, err)
	}
	if done {
		return 0
	}
	logger := flags.logger(stderr)
	cfg := flags.config(logger)
	if err := cfg.Validate(); err != nil {
		return usage(stderr, err)
	}
	for _, name := range flags.unknown {
		cfg.Warnings = append(cfg.Warnings, "unknown environment variable "+name+"; it has no effect")
	}
	var reader sync.WaitGroup
	defer reader.Wait()
	reading, end := context.WithCancel(ctx)
	defer end()
	cfg.Reloads = &app.Reloads{}
	reader.Go(func() { readAgain(reading, hangUps, cfg.Reloads, logger) })
	if err := app.Run(ctx, cfg, func(string) {}); err != nil {
		logger.Error("the server ended", "err", err)
		return 1
	}
	return 0
}

func usage(stderr io.Writer, err error) int {
	// a token may be where a flag takes the name of a file
	_, _ = fmt.Fprintf(stderr, "swarmcall-server: %s\nTry --help.\n", swarm.MaskSecrets(err.Error()))
	return 2
}

// logger makes the process's logger. Log lines go to stderr; stdout is reserved for data.
func (f *flags) logger(w io.Writer) *slog.Logger {
	opts := &slog.HandlerOptions{Level: f.level()}
	if f.LogFormat == "json" {
		return slog.New(app.Masked(slog.NewJSONHandler(w, opts)))
	}
	return slog.New(app.Masked(slog.NewTextHandler(w, opts)))
}
