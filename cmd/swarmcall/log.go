package main

import (
	"context"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/logs"
)

// logCmd inspects a server's log on disk, or copies it. It needs no server, and does not disturb a running one.
type logCmd struct {
	Verify logVerifyCmd `cmd:"" help:"Check the whole log: exit 0 if it is intact, 1 if not."`
	Export logExportCmd `cmd:"" help:"Print the records as NDJSON, with the field names of the HTTP API."`
	Stats  logStatsCmd  `cmd:"" help:"Print statistics: entries, records, bytes."`
	Backup logBackupCmd `cmd:"" help:"Copy the log to a new directory, even while a server writes to it."`
}

type dataDir struct {
	DataDir string `default:"./data" env:"SWARMCALL_DATA_DIR" help:"The server's data directory (${default})." placeholder:"DIR"`
}

type logVerifyCmd struct{ dataDir }

// Run checks the log.
func (c *logVerifyCmd) Run(ctx context.Context, s streams) error {
	return logs.Verify(ctx, c.DataDir, s.out)
}

type logExportCmd struct{ dataDir }

// Run prints the records.
func (c *logExportCmd) Run(ctx context.Context, s streams) error {
	return logs.Export(ctx, c.DataDir, s.out)
}

type logStatsCmd struct {
	dataDir
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the figures.
func (c *logStatsCmd) Run(ctx context.Context, s streams) error {
	return logs.Stats(ctx, c.DataDir, c.JSON, s.out)
}

type logBackupCmd struct {
	dataDir
	To   string `required:"" help:"Directory to create for the copy; a server can use it as its --data-dir." placeholder:"DIR"`
	JSON bool   `name:"json" help:"As JSON."`
}

// Run makes the copy.
func (c *logBackupCmd) Run(ctx context.Context, s streams) error {
	return logs.Backup(ctx, c.DataDir, c.To, c.JSON, s.out)
}
