package dispatch

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// gatedLog delays appends while its gate is closed.
type gatedLog struct {
	swarmtest.MemLog
	gate sync.RWMutex
}

func (l *gatedLog) Append(ctx context.Context, after uint64, records []swarm.Record) (uint64, error) {
	l.gate.RLock()
	defer l.gate.RUnlock()
	return l.MemLog.Append(ctx, after, records)
}

// TestLossWhileTheRoundOpens loses the only target again and again, in every phase of the sequencer.
func TestLossWhileTheRoundOpens(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		var over atomic.Bool
		var losing sync.WaitGroup
		for range 2 {
			losing.Go(func() {
				for !over.Load() {
					w.d.Disconnected("a", swarm.ReasonDisconnected, math.MaxUint64)
				}
			})
		}
		for range 3000 {
			call, err := w.d.Submit(t.Context(), ordinary(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if e, err := call.Wait(t.Context()); err != nil || e.Counts().Missing != 1 {
				t.Fatalf("%+v %v", e.Counts(), err)
			}
		}
		over.Store(true)
		losing.Wait()
	})
}

// TestAckRacingTheOutcome acks while the outcome is being appended and its call is being removed: the answer is a
// verdict or a late answer, never lost.
func TestAckRacingTheOutcome(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		counted := 0
		const rounds = 3000
		for range rounds {
			call, err := w.d.Submit(t.Context(), ordinary(time.Millisecond))
			if err != nil {
				t.Fatal(err)
			}
			swarmtest.Advance(time.Millisecond)
			if _, ok := w.d.Ack("a", call.Seq(), swarm.Reply{Applied: true}); ok {
				counted++
			}
			if _, err := call.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if counted != rounds {
			t.Errorf("%d of %d answers counted", counted, rounds)
		}
	})
}

func TestRunEndsWithLateAnswersWaitingAtShutdown(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) { // leaving the bubble shuts down and waits for Run
		w.d.queue.late(1)
		w.d.queue.close()
		w.start()
	})
}

// TestShutdownWaitsForACommandThatIsBeingIssued stops the dispatcher while an append of a new command hangs.
func TestShutdownWaitsForACommandThatIsBeingIssued(t *testing.T) {
	log := &gatedLog{}
	fleet := &swarmtest.Fleet{}
	d := New(Config{Log: log, Node: "test"})
	d.Bind(fleet, fleet, fleet)
	log.Notify(d.Take)
	fleet.Sink = d
	fleet.Join("a").Hold()
	defer fleet.Close()
	ran := make(chan struct{})
	go func() { d.Run(); close(ran) }()

	log.gate.Lock()
	result := make(chan error, 1)
	go func() {
		_, err := d.Submit(context.Background(), ordinary(time.Minute))
		result <- err
	}()
	for busy := false; !busy; {
		d.mu.Lock()
		busy = d.busy
		d.mu.Unlock()
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	stopped := make(chan struct{})
	go func() { d.Shutdown(over, t.Context()); close(stopped) }()
	for refusing := false; !refusing; {
		d.mu.Lock()
		refusing = d.expiring
		d.mu.Unlock()
	}
	log.gate.Unlock()
	<-stopped
	<-ran
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	e := log.Entries()
	if len(e) != 1 || e[0].Closed == nil || e[0].Closed.Verdicts[0].Reason != swarm.ReasonServerRestart {
		t.Errorf("a command that was issued while stopping has no outcome: %+v", e)
	}
}

// TestFullLogStillTakesStops submits a Stop together with other commands to a log that has space for Stops and outcomes
// only.
func TestFullLogStillTakesStops(t *testing.T) {
	full := swarm.Errorf(swarm.CodeLogUnavailable, "full")
	inIdleWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		w.log.Refuse(func(records []swarm.Record) error {
			for _, r := range records {
				if i, ok := r.(*swarm.Issued); ok && i.Command.Type != command.Stop {
					return full
				}
			}
			return nil
		})
		results := make(chan swarmtest.Result, 30)
		for i := range cap(results) {
			s := ordinary(time.Second)
			if i%3 == 0 {
				s.Command = swarm.Command{Type: command.Stop}
			}
			go func() { results <- w.Submit(t.Context(), s) }()
		}
		synctest.Wait()
		w.start()
		var stopped, refused int
		for range cap(results) {
			switch r := <-results; {
			case r.Err == swarm.CodeLogUnavailable:
				refused++
			case r.Err == "" && r.Command.Type == command.Stop:
				stopped++
			}
		}
		if stopped != 10 || refused != 20 {
			t.Errorf("%d stopped, %d refused, want 10 and 20", stopped, refused)
		}
	})
}

// TestDeadlinesOfABatchStartTogether: the deadline starts when the record is durable, not when the command is offered.
func TestDeadlinesOfABatchStartTogether(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		w.fleet.OnOffer(func() { swarmtest.Advance(100 * time.Millisecond) })
		var waiting sync.WaitGroup
		for range 5 {
			waiting.Go(func() { w.Submit(t.Context(), ordinary(time.Second)) })
		}
		synctest.Wait()
		began := time.Now()
		w.start()
		waiting.Wait()
		if took := time.Since(began); took != time.Second {
			t.Errorf("the last of a batch closed after %v", took)
		}
	})
}

// TestAResetThatFailsDoesNotSpin: a preview must wait for a reset that the log refuses. It is refused too, and the
// sequencer waits before it tries again.
func TestAResetThatFailsDoesNotSpin(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		var appends atomic.Int32
		slow := make(chan struct{})
		w.log.Refuse(func([]swarm.Record) error {
			if appends.Add(1) > 10 {
				return nil
			}
			<-slow
			return errors.New("busy")
		})
		w.d.Reset("nobody is there")
		synctest.Wait()
		previewed := make(chan error, 1)
		go func() {
			_, err := w.d.Preview(t.Context(), ordinary(time.Second))
			previewed <- err
		}()
		synctest.Wait()
		close(slow)
		synctest.Wait()
		if n := appends.Load(); n > 2 {
			t.Errorf("%d appends before any time had passed", n)
		}
		swarmtest.Advance(retryEvery)
		if err := <-previewed; swarm.CodeOf(err) != swarm.CodeLogUnavailable {
			t.Errorf("the preview: %v", err)
		}
		w.log.Refuse(nil)
		swarmtest.Advance(retryEvery)
	})
}

// TestLogDown counts from the first append that fails, unless a full log only refused load. Steps that append nothing
// change nothing.
func TestLogDown(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		down bool
	}{
		"a full log that still accepts a Stop": {swarm.LogFull("full"), false},
		"a disk that fails":                    {errors.New("input/output error"), true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fleet.Join("a")
				w.log.FailWith(func() error { return tc.err })
				if r := w.Submit(t.Context(), ordinary(time.Second)); r.Err != swarm.CodeLogUnavailable {
					t.Errorf("got %+v", r)
				}
				swarmtest.Advance(time.Minute)
				for _, after := range []string{"the refusal", "a preview"} {
					if down := w.d.LogDown(); down >= time.Minute != tc.down {
						t.Errorf("after %s: down for %v", after, down)
					}
					if _, err := w.d.Preview(t.Context(), ordinary(time.Second)); err != nil {
						t.Error(err)
					}
				}
				w.log.FailWith(nil)
				w.Submit(t.Context(), ordinary(time.Second))
				if down := w.d.LogDown(); down != 0 {
					t.Errorf("down for %v after an append", down)
				}
			})
		})
	}
}

// TestAResetThatFailedComesBeforeWhatFollows: load that is requested after a reset must not be stopped by it.
func TestAResetThatFailedComesBeforeWhatFollows(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		w.log.FailWith(func() error { return errors.New("busy") })
		w.d.Reset("nobody is there")
		synctest.Wait()
		w.log.FailWith(nil)
		r := w.Submit(t.Context(), ordinary(time.Second))
		if _, first := w.log.Records()[0].(*swarm.Reset); !first || r.Seq != 2 {
			t.Errorf("the command has seq %d, records %v", r.Seq, w.log.Records())
		}
	})
}
