package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is what the dashboard needs. What has no other meaning when it is zero must be set.
type Config struct {
	Log      Log
	Fleet    Fleet
	Commands Commands
	Feed     Feed

	DefaultDeadline time.Duration // of commands from the pages
	Started         time.Time     // since when this server runs
	// how long drivers may run on after a start without being back
	RunsOn      time.Duration
	Past        Past                          // what is remembered from before the start
	Remembered  func() []swarm.Former         // drivers that are known or have left
	Withdrawals []swarm.Stored                // newest resets and expired commands, oldest first
	Ready       func(context.Context) []Check // what has to hold for commands to be taken
	// what the About page tells: version, log mode; an empty value is one that is not known
	About  []Fact
	Limits []Fact // what the About page tells of bounds
	// where people reach the dashboard through a proxy; nil: as they come
	Public  *url.URL
	Address func(*http.Request) string // scheme and host as a visitor knows them
	// that may post forms besides the server's own, as scheme://host[:port]
	AllowedOrigins []string
	Status         func(swarm.Code) int                            // HTTP status of a code; the API has the map
	Problem        func(http.ResponseWriter, *http.Request, error) // answers what is not for people
	// between two live updates; 0: as package live has it
	Tick   time.Duration
	Logger *slog.Logger
}

// Check is one condition of readiness.
type Check struct {
	Name, Detail string
	OK           bool
}

// Fact is one line of the About page.
type Fact struct{ Name, Value string }
