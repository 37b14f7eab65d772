package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is everything an operator can choose. The zero value is not usable; Defaults gives one that is.
type Config struct {
	Listen            string        // host:port; port 0 picks a free one
	DataDir           string        // directory of the log, made if absent
	HeartbeatInterval time.Duration // that drivers are told, at least 10ms
	StaleAfter        time.Duration // heartbeat age from which a driver is stale; over HeartbeatInterval
	ForgetAfter       time.Duration // how long a lost driver is shown, and load outlives the last session
	DefaultDeadline   time.Duration // of commands that name none, 1ms to 60s
	LeaseTTL          time.Duration // how long a driver goes on without a word from the server, at least 1s
	OnLeaseLost       string        // what it does then: "stop" or "hold"
	LogMaxBytes       int64         // size at which the log refuses entries; 0 for the log's own default
	NodeName          string        // this server's name in the log
	AllowedHosts      []string      // Host names allowed besides IP literals, localhost and the listen address
	AllowedOrigins    []string      // origins allowed besides the server's own, as scheme://host[:port]
	InsecureNoAuth    bool          // allow binding to other than loopback, where everybody who reaches it can command
	Version           Version
	Logger            *slog.Logger
}

// Version tells what was built.
type Version struct{ Version, Revision, GoVersion string }

// Defaults is the configuration of a server that was told nothing.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:8080", DataDir: "./data", NodeName: "local",
		HeartbeatInterval: time.Second, StaleAfter: 3 * time.Second, ForgetAfter: 10 * time.Minute,
		DefaultDeadline: 2 * time.Second, LeaseTTL: time.Minute, OnLeaseLost: drivers.OnLeaseLostStop,
	}
}

// validate returns every problem, each with the flag that mends it.
func (c *Config) validate() error {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	var errs []error
	bad := func(broken bool, format string, args ...any) {
		if broken {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.DataDir == "", "--data-dir must name a directory")
	bad(c.HeartbeatInterval < 10*time.Millisecond, "--heartbeat-interval is %v; it must be at least 10ms", c.HeartbeatInterval)
	bad(c.StaleAfter <= c.HeartbeatInterval, "--stale-after is %v; it must be over --heartbeat-interval (%v)", c.StaleAfter, c.HeartbeatInterval)
	bad(c.ForgetAfter < c.StaleAfter, "--forget-after is %v; it must be at least --stale-after (%v)", c.ForgetAfter, c.StaleAfter)
	bad(c.DefaultDeadline < swarm.MinDeadline || c.DefaultDeadline > swarm.MaxDeadline,
		"--default-deadline is %v; it must be 1ms to 60s", c.DefaultDeadline)
	bad(c.LeaseTTL < time.Second, "--lease-ttl is %v; it must be at least 1s", c.LeaseTTL)
	bad(c.OnLeaseLost != drivers.OnLeaseLostStop && c.OnLeaseLost != drivers.OnLeaseLostHold,
		"--on-lease-lost is %q; it must be stop or hold", c.OnLeaseLost)
	bad(c.LogMaxBytes < 0, "--log-max-bytes is %d; it must not be negative", c.LogMaxBytes)
	bad(!swarm.ValidDriverID(c.NodeName), "--node-name must be 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit")
	return errors.Join(append(errs, c.checkListen())...)
}

// checkListen refuses to be reachable from elsewhere by accident.
func (c *Config) checkListen() error {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("--listen is %q; it must be host:port, such as 127.0.0.1:8080", c.Listen)
	}
	if ip := net.ParseIP(host); host == "localhost" || (ip != nil && ip.IsLoopback()) || c.InsecureNoAuth {
		return nil
	}
	return fmt.Errorf("--listen %s is reachable from other machines, and there is no authentication: whoever reaches it commands the swarm; "+
		"listen on 127.0.0.1, or spell out --insecure-no-auth", c.Listen)
}
