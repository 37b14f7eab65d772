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
	// Submit issues a command and returns it once it is in the drivers' outboxes. replayed says that an earlier
	// submission with the same key issued it.
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
	// Await waits until this node has read the log up to a position, which another node may have written. A position
	// that the log does not have is no error.
	Await(ctx context.Context, pos uint64) error
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
	Page(ctx context.Context, q swarm.Query) (swarm.Page, error)
	// Events returns the first records that q selects, in order. It reads no other records.
	Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error)
	// Absent returns the positions from after+1 to upTo that have no record, because their loss was accepted.
	Absent(after, upTo uint64) []swarm.Span
}

// Feed delivers the records of the log as they are appended.
type Feed interface {
	// Last returns the position of the newest record.
	Last() uint64
	// After returns some of the records after a position, in order, and waits until there is one.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}

// Fleet reads the known drivers.
type Fleet interface {
	Roster(q swarm.RosterQuery) swarm.Roster
	Driver(id string) (swarm.Driver, bool)
	// State returns the desired state of the swarm and how far its drivers are from it.
	State(q swarm.StateQuery) swarm.State
	// Stopped reports which drivers of a Stop have reported 0 players since they received it.
	Stopped(e swarm.Entry) swarm.StopProof
	// Progress reports how far the drivers of an entry have followed it.
	Progress(e swarm.Entry) swarm.Progress
	// Reach returns what is known about a target that no known driver matches.
	Reach(t swarm.Target) swarm.Reach
}

// Audit is the audit log.
type Audit interface {
	Record(e swarm.AuditEvent) // never blocks
	// Page returns up to limit events, newest first, and the cursor of the next page; "" at the end.
	Page(cursor string, limit int) (events []swarm.AuditEvent, next string, err error)
}

// Meter measures requests and streams. Its methods must not block.
type Meter interface {
	// Answered measures a request. The route is the pattern that served it, "" for none. The code is that of a problem,
	// "" for none.
	Answered(method, route string, status int, code swarm.Code, took time.Duration)
	// StreamOpened and StreamClosed count event streams; dropped says that the client accepted no data in time.
	StreamOpened()
	StreamClosed(dropped bool)
}

// unmetered is the Meter of a router without one.
type unmetered struct{}

func (unmetered) Answered(string, string, int, swarm.Code, time.Duration) {}
func (unmetered) StreamOpened()                                           {}
func (unmetered) StreamClosed(bool)                                       {}

// RateLimit is a rate per second, and how much may come at once.
type RateLimit struct {
	PerSecond float64
	Burst     int
}

// Limits are the limits that GET /limits publishes besides those of this package. Other parts of the server hold them.
type Limits struct {
	Commands, Stops, Unauthenticated, DriverFrames RateLimit

	MaxDrivers, MaxStreams, MaxHeaderBytes, MaxFrameBytes int
}

// Mount returns a handler that writes its errors with refuse.
type Mount func(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler

// Check is one condition of readiness.
type Check struct {
	Name, Detail string
	OK           bool
}

// Version is the version and the build.
type Version struct{ Version, Revision, GoVersion string }

// Config is what the router needs. All but the lists must be set, except where nil has a meaning.
type Config struct {
	Commands        Commands
	Log             Log
	Feed            Feed
	Fleet           Fleet
	DriverSocket    Mount // GET /drivers/connect
	Pages           Mount // /, and all below /ui/
	Ready           func(context.Context) []Check
	Nodes           func() []swarm.Node // a new slice, sorted by name; no two have the same name
	Access          Access              // nil: authentication is off
	Audit           Audit               // nil: there is no audit log
	Meter           Meter               // nil: nothing is measured
	Metrics         http.Handler        // GET /metrics
	Limits          Limits
	Version         Version
	DefaultDeadline time.Duration
	Listen          string   // address the server listens on; its host passes the Host list
	AllowedHosts    []string // further hosts, without port
	AllowedOrigins  []string // origins other than the server's own, as scheme://host[:port]
	PublicURL       *url.URL // where clients reach the server through a proxy; nil: as they connect
	TrustedProxies  []netip.Prefix
	// AccessRefused answers a request for the dashboard that lacks a credential or a right.
	AccessRefused func(http.ResponseWriter, *http.Request, error)
	// RefusedPage shows a visitor why the guard refused a request; programs get a problem document.
	RefusedPage func(http.ResponseWriter, *http.Request, error)
	Logger      *slog.Logger
}
