package main

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/logs"
)

type logMigrateCmd struct {
	dataDir
	natsFlags
	LogMaxBytes int64 `default:"0" help:"Size of the stream at which nodes refuse new entries, if it is created; 0 for 8 GiB." placeholder:"BYTES"`
	DryRun      bool  `help:"Check the log, NATS and what the stream has; write nothing."`
	JSON        bool  `name:"json" help:"As JSON."`
}

func (c *logMigrateCmd) contradiction() error {
	switch {
	case c.NATSURL == "":
		return errors.New("missing --nats-url: the NATS servers to copy the log to")
	case c.LogMaxBytes < 0:
		return errors.New("--log-max-bytes must not be negative")
	}
	return nil
}

// Run copies the log.
func (c *logMigrateCmd) Run(ctx context.Context, s streams) error {
	line := console.NewLine(s.err)
	defer line.Keep()
	m := logs.Migration{
		Dir: c.DataDir, NATS: c.config(), MaxBytes: c.LogMaxBytes, DryRun: c.DryRun, JSON: c.JSON,
		Warn:     func(text string) { line.Say("warning: %s", text) },
		Progress: progressOn(line),
	}
	return m.Run(ctx, s.out)
}

const redrawEvery = 100 * time.Millisecond

// progressOn draws how many records are done. It is called for each record, so it draws at intervals only.
func progressOn(line *console.Line) func(what string, done, of uint64) {
	if !line.Animated() {
		return func(string, uint64, uint64) {}
	}
	var drawn time.Time
	return func(what string, done, of uint64) {
		if done != of && time.Since(drawn) < redrawEvery {
			return
		}
		drawn = time.Now()
		line.Draw(line.Part(what, "records", int64(done), int64(max(done, of))))
	}
}
