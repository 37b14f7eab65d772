package httpload

import (
	"context"
	"net/http"
	"strings"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/swarmcall/swarmcall/driver"
)

// Load is the generator.
type Load struct {
	gate      *gate
	pacer     pacer
	ramp      *driver.Ramp
	meter     *meter
	transport *http.Transport
	results   chan struct{} // closed when the last result was counted
	ended     chan struct{} // never closed: this load ends only with the process
}

// New returns a load at 0 players.
func New(o Options) (*Load, error) {
	if o.Max == 0 {
		o.Max = DefaultMaxPlayers
	}
	target, err := o.target()
	if err != nil {
		return nil, err
	}
	l := &Load{
		meter: newMeter(time.Now()), transport: o.transport(), results: make(chan struct{}), ended: make(chan struct{}),
	}
	l.gate = newGate(l.transport)
	l.pacer = newUsers()
	if o.Rate {
		l.pacer = newRate()
	}
	l.ramp = driver.NewRamp(0, l.pacer.play)
	attacker := vegeta.NewAttacker(
		vegeta.Client(&http.Client{Transport: l.gate, Timeout: o.Timeout}),
		// workers start as needed; their maximum bounds an open load on a slow target
		vegeta.Workers(1), vegeta.MaxWorkers(uint64(o.Max)),
		vegeta.MaxBody(0), // answers are read, not kept
	)
	hits := attacker.Attack(vegeta.NewStaticTargeter(target), l.pacer, 0, "")
	go l.collect(hits)
	return l, nil
}

// collect counts results until the attack ends.
func (l *Load) collect(hits <-chan *vegeta.Result) {
	defer close(l.results)
	for r := range hits {
		failed := r.Error != ""
		if !failed || (!l.gate.cutOff(r.Timestamp) && !strings.HasSuffix(r.Error, errHalted.Error())) {
			l.meter.count(time.Now(), r.Latency, failed)
		}
		l.pacer.over()
	}
}

// stopTimeout bounds the wait for the players of a load that was cut off.
const stopTimeout = time.Second

// Apply applies a command. After a Stop, no request is in flight and none follows.
func (l *Load) Apply(ctx context.Context, c driver.Command) error {
	if c.Command().Load() {
		l.gate.admit()
	}
	if err := l.ramp.Apply(ctx, c); err != nil || c.Type != driver.Stop {
		return err
	}
	l.gate.halt()
	l.awaitNoPlayers(ctx)
	return nil
}

// awaitNoPlayers waits for the players, so that the next heartbeat reports 0. They end soon, because nothing blocks
// them.
func (l *Load) awaitNoPlayers(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for l.ramp.State().Players > 0 {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// State returns the players that run.
func (l *Load) State() driver.State { return l.ramp.State() }

// Metrics returns the figures of the last seconds.
func (l *Load) Metrics() map[string]float64 {
	figures := l.meter.figures(time.Now())
	figures["in_flight"] = float64(l.gate.inFlight())
	return figures
}

// Ended is never closed.
func (l *Load) Ended() <-chan struct{} { return l.ended }

// Err returns nil.
func (l *Load) Err() error { return nil }

// Close ends all load, and waits for it.
func (l *Load) Close() {
	_ = l.ramp.Apply(context.Background(), driver.Command{Type: driver.Stop}) // a ramp accepts every Stop
	l.gate.halt()
	l.ramp.Close()
	l.pacer.close()
	<-l.results
	l.transport.CloseIdleConnections()
}
