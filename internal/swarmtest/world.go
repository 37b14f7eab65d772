package swarmtest

import (
	"context"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// World is a running swarm that scenarios act upon, whatever implements it.
type World interface {
	// Driver connects a driver and returns when it is active. It applies and acks every command at once until changed.
	Driver(t testing.TB, id string) Driver
	// Submit sends a command and waits for its outcome.
	Submit(ctx context.Context, s swarm.Submission) Result
	// Log returns every entry, oldest first.
	Log(t testing.TB) []Result
}

// Driver is a connected driver under a scenario's control.
type Driver interface {
	// Hold makes the driver apply commands without answering them, until Release.
	Hold()
	// Release makes the driver send the answers it held, and answer everything from now on.
	Release()
	// Hang stops all activity of the driver, as SIGSTOP would, and returns when the swarm shows it as stale.
	Hang(t testing.TB)
	// Leave deregisters, and returns when the swarm has removed the driver.
	Leave(t testing.TB)
	// Applied returns the commands that the driver applied, in order.
	Applied() []Applied
}

// Applied is one command as a driver received it.
type Applied struct {
	Seq     uint64
	Command swarm.Command
}

// Result is what a submitter learns about a command: the entry, or the code of the error.
type Result struct {
	Err       swarm.Code // "" when there is an entry
	Seq       uint64
	Submitter string
	Command   swarm.Command
	Status    swarm.Status
	Counts    swarm.Counts
	Acked     map[string]time.Duration
	Rejected  map[string]string // driver id → code
	Missing   map[string]swarm.Reason
	Duration  time.Duration
}

// ResultOf returns an entry as a submitter sees it.
func ResultOf(e swarm.Entry) Result {
	r := Result{
		Seq: e.Seq, Submitter: e.Issued.Submitter, Command: e.Issued.Command, Status: e.Status(), Counts: e.Counts(),
		Acked: map[string]time.Duration{}, Rejected: map[string]string{}, Missing: map[string]swarm.Reason{},
	}
	if e.Closed == nil {
		return r
	}
	r.Duration = e.Closed.Duration
	for i, v := range e.Closed.Verdicts {
		switch id := e.Issued.Targets[i]; v.Kind {
		case swarm.Acked:
			r.Acked[id] = v.Latency
		case swarm.Rejected:
			r.Rejected[id] = v.Code
		case swarm.Missing:
			r.Missing[id] = v.Reason
		case swarm.Superseded, swarm.Undecided:
		}
	}
	return r
}
