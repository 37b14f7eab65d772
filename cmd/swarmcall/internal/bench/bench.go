package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

// Options say how much is measured, and where.
type Options struct {
	Client     *remote.Client
	TokenFile  string // with the credential of the drivers; empty: none
	CAFile     string // with the root CAs for the drivers; empty: those of the system
	Version    string // version that the drivers report
	Submitter  string
	Drivers    int
	Commands   int
	Submitters int           // concurrent submitters
	Deadline   time.Duration // 0: the server's default
	// InsecureToken lets the drivers send the token without encryption to another machine.
	InsecureToken bool
	Progress      func(what string, done, of int)
}

// warmUp is the number of commands before the measurement, which are not counted.
const warmUp = 10

// run is one measurement.
type run struct {
	Options
	next   atomic.Int64 // commands handed out
	mu     sync.Mutex   // guards the fields below
	tally  tally
	failed error // the first error
}

// Run measures. If it fails halfway, the result contains what was measured until then.
func Run(ctx context.Context, o Options) (Result, error) {
	name := "bench-" + strings.ToLower(rand.Text()[:6])
	swarm, err := join(ctx, o, name)
	defer swarm.leave()
	if err != nil {
		return Result{}, err
	}
	r := &run{Options: o}
	for range warmUp {
		entry, _, err := r.send(ctx)
		if err != nil {
			return Result{}, err
		}
		if n := entry.Counts.Targeted; n != o.Drivers {
			return Result{}, &clierr.Error{
				Code: clierr.Failed,
				What: fmt.Sprintf("%d drivers have the label %s=%s, but only %d of them belong to this "+
					"measurement", n, labelKey, labelValue,
					o.Drivers),
				Hint: "is another measurement running on this server? Wait until it ends",
			}
		}
	}
	began := time.Now()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var submitting sync.WaitGroup
	for range o.Submitters {
		submitting.Go(func() {
			if err := r.submit(ctx); err != nil {
				r.fail(err)
				cancel()
			}
		})
	}
	submitting.Wait()
	return r.tally.result(o, time.Since(began)), r.failed
}

// submit sends one command after the other until all are handed out.
func (r *run) submit(ctx context.Context) error {
	for r.next.Add(1) <= int64(r.Commands) {
		entry, took, err := r.send(ctx)
		if err != nil {
			return err
		}
		r.mu.Lock()
		r.tally.add(entry, took)
		r.Progress("commands", len(r.tally.roundTrip), r.Commands)
		r.mu.Unlock()
	}
	return nil
}

// send submits set_players 0, so that no load runs, and no load stays in the desired state.
func (r *run) send(ctx context.Context) (remote.Entry, time.Duration, error) {
	a, took, err := r.Client.Submit(ctx, remote.Submission{
		Submitter: r.Submitter, Command: remote.Command{Type: command.SetPlayers},
		Target:     &remote.Target{Labels: map[string]string{labelKey: labelValue}},
		DeadlineMS: r.Deadline.Milliseconds(), MinDrivers: r.Drivers,
	}, remote.NewKey())
	if ctx.Err() != nil {
		err = &clierr.Error{
			Code: clierr.Interrupted, What: fmt.Sprintf("interrupted after %d of %d commands", r.sent(), r.Commands),
		}
	}
	return a.Value, took, err
}

func (r *run) sent() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.tally.roundTrip)
}

func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == nil {
		r.failed = err
	}
}
