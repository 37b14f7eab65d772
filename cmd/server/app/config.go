package app

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/drivers"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is everything an operator can set. The zero value is not usable; Defaults returns a usable one.
type Config struct {
	Listen            string        // host:port; port 0 picks a free one
	OpsListen         string        // host:port for metrics, health and profiles without credentials; "": none
	DataDir           string        // directory of the log; created if absent
	HeartbeatInterval time.Duration // sent to drivers, at least 10ms
	StaleAfter        time.Duration // heartbeat age from which a driver is stale; over HeartbeatInterval
	ForgetAfter       time.Duration // how long a lost driver is remembered, and load outlives the last session
	DefaultDeadline   time.Duration // of commands that do not set one, 1ms to 60s
	LeaseTTL          time.Duration // how long a driver continues without a frame from the server, at least 1s
	OnLeaseLost       string        // what it does after that: "stop" or "hold"
	// when a total is split again: "off"; "on-loss" of a driver that has a part; or "on-change", also when a driver
	// without a part joins
	Resplit string
	// when an append is on disk: "always" before it is answered, "interval" within a second
	LogSync        string
	AcceptDataLoss bool     // start on a damaged log with the remaining entries
	LogMaxBytes    int64    // size at which the log refuses entries; 0 for the log's own default
	NodeName       string   // this server's name in the log
	NATSURL        string   // NATS servers with the log that several nodes share; "": the log is in DataDir
	NATSCreds      string   // file of the credentials for them; "": none, or in NATSURL
	NATSCA         string   // file of the certificates that sign theirs; "": those of the system
	AllowedHosts   []string // Host names allowed besides IP literals, localhost and the listen address
	AllowedOrigins []string // origins allowed besides the server's own, as scheme://host[:port]
	PublicURL      string   // address for people and programs through a proxy; empty: no proxy
	TrustedProxies []string // addresses and ranges of proxies that may name the client
	InsecureNoAuth bool     // allow non-loopback addresses, where any client that reaches them can command
	// the file of tokens, roles and scopes; empty: no authentication, everybody is admin
	AuthFile string
	TLSCert  string // file of the certificate; empty: plain HTTP
	TLSKey   string // file of its private key
	// allow non-loopback addresses with AuthFile and without a certificate, where a proxy ends TLS
	InsecureNoTLS  bool
	SessionKeyFile string // file of the key that seals sign-in cookies; empty: one in DataDir
	WebhooksFile   string // the file of endpoints that get the records of the log; empty: there are none
	Version        Version
	Reloads        *Reloads // gets the files that the server can reload; nil: nobody asks it to
	Warnings       []string // of the flags; logged after the address, which is the log's first line
	Logger         *slog.Logger
}

// Version describes what was built.
type Version struct{ Version, Revision, GoVersion string }

// Defaults is the configuration of a server without flags.
func Defaults() Config {
	return Config{
		Listen: "127.0.0.1:8080", DataDir: "./data", NodeName: "local",
		HeartbeatInterval: time.Second, StaleAfter: 3 * time.Second, ForgetAfter: 10 * time.Minute,
		DefaultDeadline: 2 * time.Second, LeaseTTL: time.Minute, OnLeaseLost: drivers.OnLeaseLostStop,
		LogSync: string(cmdlog.SyncAlways), Resplit: string(drivers.ResplitOnLoss),
	}
}

// Validate returns all errors, each with the flag that corrects it.
func (c *Config) Validate() error {
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
	bad(c.HeartbeatInterval < 10*time.Millisecond, "--heartbeat-interval is %v; it must be at least 10ms",
		c.HeartbeatInterval)
	bad(c.StaleAfter <= c.HeartbeatInterval, "--stale-after is %v; it must be over --heartbeat-interval (%v)",
		c.StaleAfter, c.HeartbeatInterval)
	bad(c.ForgetAfter < c.StaleAfter, "--forget-after is %v; it must be at least --stale-after (%v)", c.ForgetAfter,
		c.StaleAfter)
	bad(c.DefaultDeadline < swarm.MinDeadline || c.DefaultDeadline > swarm.MaxDeadline,
		"--default-deadline is %v; it must be 1ms to 60s", c.DefaultDeadline)
	bad(c.LeaseTTL < time.Second || c.LeaseTTL < 4*c.HeartbeatInterval, // answers to heartbeats renew the lease
		"--lease-ttl is %v; it must be at least 1s, and 4 times --heartbeat-interval (%v)",
		c.LeaseTTL, c.HeartbeatInterval)
	bad(c.OnLeaseLost != drivers.OnLeaseLostStop && c.OnLeaseLost != drivers.OnLeaseLostHold,
		"--on-lease-lost is %q; it must be stop or hold", c.OnLeaseLost)
	bad(!slices.Contains([]drivers.Resplit{drivers.ResplitOff, drivers.ResplitOnLoss, drivers.ResplitOnChange},
		drivers.Resplit(c.Resplit)),
		"--resplit is %q; it must be off, on-loss or on-change", c.Resplit)
	bad(c.LogSync != string(cmdlog.SyncAlways) && c.LogSync != string(cmdlog.SyncInterval),
		"--log-sync is %q; it must be always or interval", c.LogSync)
	bad(c.LogMaxBytes < 0, "--log-max-bytes is %d; it must not be negative", c.LogMaxBytes)
	bad(!swarm.ValidDriverID(c.NodeName),
		"--node-name must be 1 to 128 of [A-Za-z0-9._:-], the first a letter or digit")
	return errors.Join(append(errs, c.checkAddresses(), c.checkListen(), c.checkOps(), c.checkNATS())...)
}

// checkAddresses checks the server's names, and the proxies and pages that may use it.
func (c *Config) checkAddresses() error {
	var errs []error
	for _, h := range c.AllowedHosts {
		errs = append(errs, checkHost(h))
	}
	for _, o := range c.AllowedOrigins {
		errs = append(errs, checkOrigin(o))
	}
	_, badURL := publicURL(c.PublicURL)
	_, badProxies := trustedProxies(c.TrustedProxies)
	return errors.Join(append(errs, badURL, badProxies)...)
}
