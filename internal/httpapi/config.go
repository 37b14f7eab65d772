package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Commands issues commands.
type Commands interface {
	// Submit issues a command and returns it as it stands once it has been handed to the drivers; replayed, if an
	// earlier submission with the same key did that.
	Submit(ctx context.Context, s swarm.Submission) (call Call, replayed bool, err error)
	// Preview returns the record that Submit would write now, with the same errors.
	Preview(ctx context.Context, s swarm.Submission) (*swarm.Issued, error)
	// Open returns an issued command that has no outcome yet.
	Open(seq uint64) (Call, bool)
}

// Call is an issued command on its way to an outcome.
type Call interface {
	Entry() swarm.Entry
	Wait(ctx context.Context) (swarm.Entry, error)
}

// Log reads entries.
type Log interface {
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
	Page(ctx context.Context, q swarm.Query) (swarm.Page, error)
	// Events returns the first records that q selects, in order. It reads no others.
	Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error)
	// Absent returns the positions after one and up to another that have no record, because their loss was accepted.
	Absent(after, upTo uint64) []swarm.Span
}

// Feed tells what happens in the log.
type Feed interface {
	// Last is the position of the newest record.
	Last() uint64
	// After returns some of the records after a position, in order, and waits until there is one.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}

// Fleet reads the roster.
type Fleet interface {
	Roster(q swarm.RosterQuery) swarm.Roster
	Driver(id string) (swarm.Driver, bool)
	// State is what is desired of the swarm and how far its drivers are from it.
	State(q swarm.StateQuery) swarm.State
	// Stopped tells which drivers of a Stop have reported 0 players since.
	Stopped(e swarm.Entry) swarm.StopProof
	// Progress tells how far the drivers of an entry are with it.
	Progress(e swarm.Entry) swarm.Progress
	// Reach tells what is known about a target that no known driver matches.
	Reach(t swarm.Target) swarm.Reach
}

// Mount makes a handler that has its errors written by refuse.
type Mount func(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler

// Check is one condition of readiness.
type Check struct {
	Name, Detail string
	OK           bool
}

// Version tells what was built.
type Version struct{ Version, Revision, GoVersion string }

// Config is what the router needs. All but the lists must be set.
type Config struct {
	Commands        Commands
	Log             Log
	Feed            Feed
	Fleet           Fleet
	DriverSocket    Mount // GET /drivers/connect
	Pages           Mount // /, and all below /ui/
	Ready           func(context.Context) []Check
	Version         Version
	DefaultDeadline time.Duration
	Listen          string   // address the server listens on; its host passes the Host list
	AllowedHosts    []string // further hosts, without port
	AllowedOrigins  []string // origins other than the server's own, as scheme://host[:port]
	PublicURL       *url.URL // where people and programs reach the server through a proxy; nil: as they come
	TrustedProxies  []netip.Prefix
	// RefusedPage shows a person why the guard refused a request; programs get a problem document.
	RefusedPage func(http.ResponseWriter, *http.Request, error)
	Logger      *slog.Logger
}
