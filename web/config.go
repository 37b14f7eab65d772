package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/live"
)

// Config configures the dashboard. Fields must be set, except where their zero value has a meaning.
type Config struct {
	Log      Log
	Fleet    Fleet
	Commands Commands
	Feed     Feed

	DefaultDeadline time.Duration // of commands from the pages
	Started         time.Time     // when this server started
	// how long drivers may continue to run after a start before they reconnect
	RunsOn      time.Duration
	Past        Past                          // data from before the start
	Remembered  func() []swarm.Former         // drivers that are known or have left
	Withdrawals []swarm.Stored                // newest resets and expired commands, oldest first
	Ready       func(context.Context) []Check // conditions for accepting commands
	Nodes       func() []swarm.Node           // sorted by name
	// content of the About page: version, log mode; an empty value is unknown
	About  []Fact
	Limits []Fact // limits on the About page
	// address of the dashboard behind a proxy; nil: taken from each request
	Public  *url.URL
	Address func(*http.Request) string // scheme and host as a visitor knows them
	// origins that may post forms besides the server's own, as scheme://host[:port]
	AllowedOrigins []string
	Status         func(swarm.Code) int                            // HTTP status of a code; the API has the map
	Problem        func(http.ResponseWriter, *http.Request, error) // answers requests that do not come from people

	// signs people in; nil: authentication is off, and the context of each request has the anonymous principal
	Access        Access
	SessionCookie string // name of the cookie of a person who is signed in

	Meter live.Meter // counts live streams; nil: they are not counted

	// interval of live updates; 0: the default of package live
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
