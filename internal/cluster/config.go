package cluster

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Config is what a Cluster needs. Conn, Self and Status must be set.
type Config struct {
	Conn     *nats.Conn   // to the NATS cluster; it reconnects for ever, and the Cluster does not close it
	Prefix   string       // of subjects and buckets; "": swarmcall
	Replicas int          // of the buckets; 0: 1
	Self     swarm.NodeID // name and instance of this node

	Version string        // of this program
	Address string        // where this node listens, as it sees itself
	Format  int           // newest version of the records' format that this program reads
	Started time.Time     // when this process started
	Status  func() Status // how far this node is; it must not block

	// OnLeaseLost is called when this node has not renewed its lease in time, once per loss, and OnLeaseRenewed when it
	// holds its lease again. nil: nothing.
	OnLeaseLost, OnLeaseRenewed func()

	Logger *slog.Logger // nil: silent

	timing timing // of tests; zero: usual
}

// Status is how far a node is.
type Status struct {
	Position uint64 // that its tail has reached
	Lag      uint64 // records of the log that it has not read yet
	Drivers  int    // connected to it
	Draining bool   // it is stopping, and its drivers move to other nodes
}

// timing has the times that nodes agree on, and those that tests shorten.
type timing struct {
	lease  time.Duration // how long a lease lives
	renew  time.Duration // between two renewals, and two readings of the leases
	report time.Duration // between two digests
	gather time.Duration // from a change until it is published
	silent time.Duration // age at which a roster is too old
	retry  time.Duration // pause before something is requested again; about
	wait   time.Duration // for the answer of another node, or of NATS
}

var usual = timing{
	lease: 5 * time.Second, renew: time.Second, report: time.Second, gather: 20 * time.Millisecond,
	silent: swarm.SilentAfter, retry: 250 * time.Millisecond, wait: 2 * time.Second,
}

func (c *Config) validate() error {
	if c.Conn == nil || c.Status == nil {
		return errors.New("a cluster needs a connection and the status of its node")
	}
	for _, name := range []string{c.Self.Name, c.Self.Instance} {
		if name == "" || len(name) > maxName {
			return fmt.Errorf("the name and the instance of a node have 1 to %d bytes, unlike %q", maxName, name)
		}
	}
	if c.Prefix == "" {
		c.Prefix = "swarmcall"
	}
	if token(c.Prefix) != c.Prefix {
		return fmt.Errorf("the prefix %q may have letters, digits, - and _ only", c.Prefix)
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	for _, f := range []*func(){&c.OnLeaseLost, &c.OnLeaseRenewed} {
		if *f == nil {
			*f = func() {}
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.timing == (timing{}) {
		c.timing = usual
	}
	return nil
}
