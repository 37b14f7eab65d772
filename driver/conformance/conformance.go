// Package conformance checks whether a driver meets the protocol: it is a server that plays a script with the driver
// that connects, and reports for each duty of docs/protocol.md whether it passed, failed or was not tried, and why.
//
// `swarmcall driver check` is its command line. A driver in Go may use it in its own tests, without a socket and
// without waiting if they run in a synctest bubble; see the example.
//
// The script goes once through commands, duplicates, unknown frames, a stop during a ramp, close codes, a drain, a lost
// connection, another log, and lost leases, with intervals of fractions of a second. It takes about 25 s, mostly the
// driver's own waits before it reconnects.
package conformance

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// Options configure a check.
type Options struct {
	// Listener is where the driver connects. Check closes it. Required.
	Listener net.Listener

	// Start starts the driver, which connects to the listener. It is called again half way, so that the driver's waits
	// are short again, and for each part that ends the driver. Nil means that a person starts the driver once by hand;
	// parts that need another start are then not tried, and the check takes longer.
	Start func() (Process, error)

	// DriverID is the driver to check; others are refused with 4003. Empty means the first driver that registers.
	DriverID string

	// Token is the access token that the driver has in a file. The driver must present it with each request to connect;
	// any other is refused. The check then also covers the refusals of tokens. Empty means that no token is needed.
	Token string

	// Rotate replaces the content of the driver's token file. It is called at most once, when the check refuses the token
	// as expired: the driver must present the new one then. Nil means that the token stays the same.
	Rotate func(token string) error

	// Players is the maximum of players that the check commands, at least 4. 0 means 10.
	Players int64

	// Patience is the longest wait for the first connection, and for a person to end the driver by hand. 0 means 30 s.
	Patience time.Duration

	// Transcript receives one line of JSON per event. Nil means none.
	Transcript io.Writer

	// Progress is called with a description of each part, and of what a person has to do by hand. Nil means no call.
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

// Check plays the script. An error is about the check itself: the report tells whether the driver failed.
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
