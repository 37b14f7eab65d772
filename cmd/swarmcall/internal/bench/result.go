package bench

import (
	"math"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// Result is what was measured. Its JSON is what `swarmcall bench -o json` prints.
type Result struct {
	Drivers           int     `json:"drivers"`
	Submitters        int     `json:"submitters"`
	Commands          int     `json:"commands"` // answered commands
	Acked             int     `json:"acked"`    // sum over all commands, as the counts below
	Rejected          int     `json:"rejected"`
	Missing           int     `json:"missing"`
	Superseded        int     `json:"superseded"`
	Seconds           float64 `json:"seconds"`
	CommandsPerSecond float64 `json:"commands_per_second"`
	AcksPerSecond     float64 `json:"acks_per_second"`
	RoundTrip         Spread  `json:"round_trip_ms"` // from the request until its answer is read
	Dispatch          Spread  `json:"dispatch_ms"`   // from durable record to last verdict, by the server's clock
}

// Spread is a distribution of times, in milliseconds.
type Spread struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Verdict is nil if every driver acked every command.
func (r Result) Verdict() error {
	hint := "see the entries for the drivers and reasons: swarmcall commands list"
	switch {
	case r.Rejected > 0:
		return &clierr.Error{Code: clierr.Rejected, What: "drivers rejected commands", Hint: hint}
	case r.Missing > 0:
		return &clierr.Error{
			Code: clierr.Missing, What: "acks are missing", Hint: hint + "\nto allow more time to ack: --deadline",
		}
	}
	return nil // superseding is the purpose of --submitters
}

// tally collects outcomes.
type tally struct {
	acked, rejected, missing, superseded int
	roundTrip, dispatch                  []float64 // milliseconds
}

func (t *tally) add(e remote.Entry, took time.Duration) {
	t.acked += e.Counts.Acked
	t.rejected += e.Counts.Rejected
	t.missing += e.Counts.Missing
	t.superseded += e.Counts.Superseded
	t.roundTrip = append(t.roundTrip, took.Seconds()*1000)
	if e.DurationMs != nil {
		t.dispatch = append(t.dispatch, *e.DurationMs)
	}
}

func (t *tally) result(o Options, took time.Duration) Result {
	return Result{
		Drivers: o.Drivers, Submitters: o.Submitters, Commands: len(t.roundTrip),
		Acked: t.acked, Rejected: t.rejected, Missing: t.missing, Superseded: t.superseded,
		Seconds: rounded(took.Seconds()), CommandsPerSecond: rounded(float64(len(t.roundTrip)) / took.Seconds()),
		AcksPerSecond: rounded(float64(t.acked) / took.Seconds()),
		RoundTrip:     spread(t.roundTrip), Dispatch: spread(t.dispatch),
	}
}

// spread sorts the times. Percentile p is the smallest time that at least p % of the times do not exceed.
func spread(times []float64) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	slices.Sort(times)
	at := func(percent int) float64 { return rounded(times[(len(times)*percent+99)/100-1]) }
	return Spread{P50: at(50), P90: at(90), P99: at(99), Max: at(100)}
}

// rounded keeps three decimals; more would be noise.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }
