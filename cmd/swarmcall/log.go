package main

import (
	"context"
	"errors"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/logs"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
)

// logCmd inspects a server's log, copies it, or moves it. It needs no server, and does not disturb a running one.
type logCmd struct {
	Verify  logVerifyCmd  `cmd:"" help:"Check the whole log: exit 0 if it is intact, 1 if not."`
	Export  logExportCmd  `cmd:"" help:"Print the records as NDJSON, with the field names of the HTTP API."`
	Stats   logStatsCmd   `cmd:"" help:"Print statistics: entries, records, bytes."`
	Backup  logBackupCmd  `cmd:"" help:"Copy the log to a new directory, even while a server writes to it."`
	Migrate logMigrateCmd `cmd:"" help:"Copy the log of a stopped server into NATS, where several nodes share it."`
}

type dataDir struct {
	DataDir string `default:"./data" env:"SWARMCALL_DATA_DIR" help:"The server's data directory (${default})." placeholder:"DIR"`
}

// natsFlags have the names of the server's flags.
type natsFlags struct {
	NATSURL   string `name:"nats-url" env:"SWARMCALL_NATS_URL" help:"NATS servers that store the log of several nodes, separated by commas." placeholder:"URL,…"`
	NATSCreds string `name:"nats-creds" env:"SWARMCALL_NATS_CREDS" help:"Credentials for --nats-url." placeholder:"FILE"`
	NATSCA    string `name:"nats-ca" env:"SWARMCALL_NATS_CA" help:"Certificates (PEM) that sign those of the NATS servers; by default those of the system." placeholder:"FILE"`
}

func (f natsFlags) config() natsconn.Config {
	return natsconn.Config{URL: f.NATSURL, Creds: f.NATSCreds, CA: f.NATSCA}
}

// logSource selects the log to read.
type logSource struct {
	dataDir
	natsFlags

	typedDir, typedURL bool
}

// typed notes which flags were typed: they win over the environment.
func (l *logSource) typed(flag func(name string) bool) {
	l.typedDir, l.typedURL = flag("data-dir"), flag("nats-url")
}

// contradiction implements the check of shared flags.
func (l *logSource) contradiction() error {
	if l.typedDir && l.typedURL {
		return errors.New("give either --data-dir or --nats-url")
	}
	return nil
}

func (l *logSource) source() logs.Source {
	if l.typedDir {
		return logs.Source{Dir: l.DataDir}
	}
	return logs.Source{Dir: l.DataDir, NATS: l.config()}
}

type logVerifyCmd struct{ logSource }

// Run checks the log.
func (c *logVerifyCmd) Run(ctx context.Context, s streams) error {
	return logs.Verify(ctx, c.source(), s.out)
}

type logExportCmd struct{ logSource }

// Run prints the records.
func (c *logExportCmd) Run(ctx context.Context, s streams) error {
	return logs.Export(ctx, c.source(), s.out)
}

type logStatsCmd struct {
	logSource
	JSON bool `name:"json" help:"As JSON."`
}

// Run prints the figures.
func (c *logStatsCmd) Run(ctx context.Context, s streams) error {
	return logs.Stats(ctx, c.source(), c.JSON, s.out)
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
