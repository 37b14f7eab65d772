// Package conformance checks whether a driver keeps the protocol: it is a server that plays a script with whatever
// driver connects, and says of each duty of docs/protocol.md whether it passed, failed or was not tried, and why.
//
// `swarmcall driver check` is its command line. A driver in Go may have it in its own tests, with no socket and no
// waiting if they run in a synctest bubble; see the example.
//
// The script goes once through commands, duplicates, leniency, a stop in mid-ramp, close codes, a drain, a cut
// connection, another log, and leases that are lost, with intervals of fractions of a second. It takes about 25 s of
// the driver's time, most of it the driver's own waits before it reconnects.
package conformance

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// Options say how to get at the driver.
type Options struct {
	// Listener is where the driver connects. Check closes it. Required.
	Listener net.Listener

	// Start starts the driver, to connect to the listener. It is called anew half way, so that the driver's waits are
	// short again, and for each part that ends the driver. Nil means that somebody starts it by hand, once; what needs
	// another start is then not tried, and the check takes longer.
	Start func() (Process, error)

	// DriverID is the driver to check; others are sent away with 4003. Empty means whoever registers first.
	DriverID string

	// Players is the most players that the driver is told to run, at least 4. 0 means 10.
	Players int64

	// Patience is the longest wait for the first connection, and for one that ends the driver by hand. 0 means 30 s.
	Patience time.Duration

	// Transcript gets a line of JSON for each thing that happens. Nil means none.
	Transcript io.Writer

	// Progress is told in words what is going on, and what somebody has to do by hand. Nil means nobody listens.
	Progress func(string)
}

// Process is a driver that Start has started.
type Process interface {
	Leave()                // asks it to end in order, as SIGTERM does
	Kill()                 // ends it
	Done() <-chan struct{} // is closed when it has ended
}

// ErrNoDriver says that no driver connected.
var ErrNoDriver = errors.New("no driver connected")

// Check plays the script. The error is about the check itself: a driver that fails is told by the report.
func Check(ctx context.Context, o Options) (Report, error) {
	if o.Listener == nil {
		return Report{}, errors.New("conformance: Options.Listener is nil")
	}
	if o.Players != 0 && o.Players < 4 {
		return Report{}, errors.New("conformance: Options.Players must be 4 or more")
	}
	if o.Players == 0 {
		o.Players = 10
	}
	if o.Patience <= 0 {
		o.Patience = 30 * time.Second
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	k := newKit(ctx, o)
	err := k.play()
	report := k.report()
	k.close()
	return report, errors.Join(err, k.record.failed())
}
