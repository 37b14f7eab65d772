package metrics

import (
	"context"
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// retryFeed is the pause after the feed could not be read.
const retryFeed = time.Second

// durations are the bounds of histograms of commands, in seconds: from an ack on the same machine to the longest
// deadline.
var durations = []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// The outcomes of a target of a command. A late ack is counted besides the missing one.
const (
	outcomeAcked      = "acked"
	outcomeRejected   = "rejected"
	outcomeSuperseded = "superseded"
	outcomeMissing    = "missing"
	outcomeLate       = "late"
)

// refusals are the codes of commands that are refused; other stands for the rest.
var refusals = []string{
	string(swarm.CodeNoActiveDrivers), string(swarm.CodeNotEnoughDrivers), string(swarm.CodeNewerCommand),
	string(swarm.CodeIdempotencyKeyReused), string(swarm.CodeRateLimited), string(swarm.CodeForbidden),
	string(swarm.CodeOutsideScope), string(swarm.CodeLogUnavailable), string(swarm.CodeShuttingDown), other,
}

// Feed delivers the records of the log.
type Feed interface {
	// After returns some of the records after a position, in order, and waits until there is one.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}

// Commands counts commands and their outcomes. It reads the log's records as every other reader does, so that it
// never delays a command.
type Commands struct {
	of      map[command.Type]*ofType
	refused counts
}

// ofType are the figures of one type of command.
type ofType struct {
	results, targets counts
	ack, completion  prometheus.Observer
}

func newCommands(b *book) *Commands {
	results := b.counters("swarmcall_commands_total", "Commands whose outcome is in the log.", "type", "result")
	targets := b.counters("swarmcall_command_targets_total",
		"Targets of commands by their outcome. A late ack is counted besides its missing one.", "type", "outcome")
	acks := b.histograms("swarmcall_command_ack_duration_seconds",
		"Time from the queue of a driver's connection to its answer, of drivers that answered in time.", durations, "type")
	completions := b.histograms("swarmcall_command_completion_duration_seconds",
		"Time from the log to the last verdict.", durations, "type")
	refused := b.counters("swarmcall_commands_refused_total",
		"Commands that were refused before they were logged, by error code.", "code")
	c := &Commands{of: map[command.Type]*ofType{}, refused: countsOf(refused, refusals)}
	for _, t := range command.Types() {
		c.of[t] = &ofType{
			results: countsOf(results, closedStatuses(), string(t)),
			targets: countsOf(targets, []string{
				outcomeAcked, outcomeRejected, outcomeSuperseded, outcomeMissing, outcomeLate,
			}, string(t)),
			ack: acks.WithLabelValues(string(t)), completion: completions.WithLabelValues(string(t)),
		}
	}
	return c
}

// closedStatuses are the statuses of commands that are not pending.
func closedStatuses() (out []string) {
	for _, s := range swarm.Statuses() {
		if s != swarm.Pending {
			out = append(out, string(s))
		}
	}
	return out
}

func texts[S ~string](values []S) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = string(v)
	}
	return out
}

// Refused counts a command that was refused with an error. A client that has left was not refused.
func (c *Commands) Refused(err error) {
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		c.refused.add(string(swarm.CodeOf(err)), 1)
	}
}

// Follow counts the records after a position until ctx ends. If the feed fails, it tries again.
func (c *Commands) Follow(ctx context.Context, feed Feed, position uint64) {
	for ctx.Err() == nil {
		events, err := feed.After(ctx, position)
		if err != nil {
			pause(ctx, retryFeed)
			continue
		}
		for _, e := range events {
			c.take(e)
			position = e.Position
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// take counts one record. A record whose command is lost has no type, and is not counted.
func (c *Commands) take(e *swarm.Event) {
	if e.Issued == nil {
		return
	}
	of := c.of[e.Issued.Command.Type]
	if of == nil {
		return
	}
	switch r := e.Record.(type) {
	case *swarm.Closed:
		of.closed(r)
	case *swarm.Late:
		of.targets.add(outcomeLate, len(r.Acks))
	}
}

func (of *ofType) closed(r *swarm.Closed) {
	of.results.add(string(r.Status()), 1)
	of.completion.Observe(r.Duration.Seconds())
	n := swarm.Entry{Issued: &swarm.Issued{}, Closed: r}.Counts()
	of.targets.add(outcomeAcked, n.Acked)
	of.targets.add(outcomeRejected, n.Rejected)
	of.targets.add(outcomeSuperseded, n.Superseded)
	of.targets.add(outcomeMissing, n.Missing)
	for i := range r.Verdicts {
		if v := &r.Verdicts[i]; v.Kind == swarm.Acked || v.Kind == swarm.Rejected {
			of.ack.Observe(v.Latency.Seconds())
		}
	}
}
