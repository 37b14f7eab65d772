package limits

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Limits are the limits of a server. The zero Limits are no limits.
type Limits struct {
	Commands  Rate // of each principal: every command but Stop
	Stops     Rate // of each principal: Stops, which no other command uses up
	Strangers Rate // of each address (IPv6: each /64): requests and driver handshakes without a valid credential, sign-ins
	Frames    Rate // of each driver: frames that are not acks of commands it was sent
	// MaxDrivers is how many drivers may be known, MaxStreams how many event streams may be open; 0: any number.
	MaxDrivers, MaxStreams int
	MaxKeys                int // how many principals, and how many addresses, are remembered at a time; 0: 16,384
}

const defaultMaxKeys = 16_384 // about 5 MB in each of the three budgets

// Defaults returns the limits of a server with authentication.
func Defaults() Limits {
	return Limits{
		Commands:   Rate{PerSecond: 1000, Burst: 2000},
		Stops:      Rate{PerSecond: 100, Burst: 200},
		Strangers:  Rate{PerSecond: 20, Burst: 100},
		Frames:     Rate{PerSecond: 200, Burst: 400},
		MaxDrivers: 20_000,
		MaxStreams: 10_000,
		MaxKeys:    defaultMaxKeys,
	}
}

// Validate reports every limit that makes no sense.
func (l Limits) Validate() error {
	var bad []error
	for _, r := range []struct {
		name string
		Rate
	}{{"commands", l.Commands}, {"stops", l.Stops}, {"strangers", l.Strangers}, {"frames", l.Frames}} {
		switch {
		case math.IsNaN(r.PerSecond) || math.IsInf(r.PerSecond, 0) || r.PerSecond < 0:
			bad = append(bad, fmt.Errorf("the rate of %s is %v per second; it must be a number from 0 (no limit) on",
				r.name, r.PerSecond))
		case r.PerSecond > 0 && r.Burst < 1:
			bad = append(bad, fmt.Errorf("the burst of %s is %d; it must be at least 1", r.name, r.Burst))
		}
	}
	for _, n := range []struct {
		name  string
		value int
	}{{"drivers", l.MaxDrivers}, {"streams", l.MaxStreams}, {"remembered keys", l.MaxKeys}} {
		if n.value < 0 {
			bad = append(bad, fmt.Errorf("the number of %s is %d; it must be at least 0", n.name, n.value))
		}
	}
	return errors.Join(bad...)
}

// Budgets are what is left to each principal and each address. Nil Budgets limit nothing.
type Budgets struct{ commands, stops, strangers *Keyed }

// New returns full budgets.
func New(l Limits) (*Budgets, error) {
	if err := l.Validate(); err != nil {
		return nil, err
	}
	if l.MaxKeys == 0 {
		l.MaxKeys = defaultMaxKeys
	}
	return &Budgets{
		commands:  NewKeyed(l.Commands, l.MaxKeys),
		stops:     NewKeyed(l.Stops, l.MaxKeys),
		strangers: NewKeyed(l.Strangers, l.MaxKeys),
	}, nil
}

// Command counts a command of a principal. It reports false if there is too little left, and when to try again.
func (b *Budgets) Command(principal string, t command.Type) (retryAfter time.Duration, ok bool) {
	switch {
	case b == nil:
		return 0, true
	case t == command.Stop:
		return b.stops.Take(principal)
	}
	return b.commands.Take(principal)
}

// Stranger counts a request of an address without a valid credential, in the same way. The address may have a port.
func (b *Budgets) Stranger(addr string) (retryAfter time.Duration, ok bool) {
	if b == nil {
		return 0, true
	}
	return b.strangers.Take(swarm.AddressGroup(addr))
}
