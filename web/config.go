package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is what the dashboard needs. Log, Fleet and Commands must be set.
type Config struct {
	Log      Log
	Fleet    Fleet
	Commands Commands
	Feed     Feed // nil: the log is asked for news once per tick

	Submitter       func(*http.Request) string                      // who sends a command from the pages; nil: "dashboard"
	DefaultDeadline time.Duration                                   // of commands from the pages; 0: 2 s
	Started         time.Time                                       // since when this server runs; zero: for ever
	RunsOn          time.Duration                                   // how long drivers may run on after a start without being back
	Past            Past                                            // what is remembered from before the start
	Remembered      func() []swarm.Former                           // drivers that are known or have left; nil: none
	Withdrawals     []swarm.Stored                                  // newest resets and expired commands, oldest first
	Ready           func(context.Context) []Check                   // nil: all is well
	About           []Fact                                          // what the About page tells: version, log mode; an empty value is one that is not known
	Limits          []Fact                                          // what the About page tells of bounds
	Public          *url.URL                                        // where people reach the dashboard through a proxy; nil: as they come
	Address         func(*http.Request) string                      // scheme and host as a visitor knows them; nil: as the request has them
	AllowedOrigins  []string                                        // that may post forms besides the server's own, as scheme://host[:port]
	Problem         func(http.ResponseWriter, *http.Request, error) // answers what is not for people; nil: plain text
	Tick            time.Duration                                   // between two live updates; 0: 500 ms
	Logger          *slog.Logger                                    // nil: silent
}

// Check is one condition of readiness.
type Check struct {
	Name, Detail string
	OK           bool
}

// Fact is one line of the About page.
type Fact struct{ Name, Value string }

func (c *Config) setDefaults() {
	if c.Submitter == nil {
		c.Submitter = func(*http.Request) string { return "dashboard" }
	}
	if c.DefaultDeadline == 0 {
		c.DefaultDeadline = 2 * time.Second
	}
	if c.Address == nil {
		c.Address = address
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) []Check { return nil }
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Problem == nil {
		c.Problem = func(w http.ResponseWriter, _ *http.Request, _ error) {
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
		}
	}
}
