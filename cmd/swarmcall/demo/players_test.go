package demo

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// rampTest runs f in a bubble of fake time, with players that only wait for their end.
func rampTest(t *testing.T, delay time.Duration, f func(t *testing.T, p *players)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlayers(delay, func(ctx context.Context) { <-ctx.Done() })
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.run(ctx); close(done) }()
		f(t, p)
		cancel()
		<-done
		wantRunning(t, p, 0)
	})
}

// pass lets fake time go by and everything due happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func wantRunning(t *testing.T, p *players, want int64) {
	t.Helper()
	if got, _, _ := p.report(); got != want {
		t.Errorf("%d players run, want %d", got, want)
	}
}

func TestRampGoesUpOnePlayerPerSpawnDelay(t *testing.T) {
	rampTest(t, 20*time.Millisecond, func(t *testing.T, p *players) {
		p.setTarget(5)
		pass(0)
		wantRunning(t, p, 1)
		pass(20 * time.Millisecond)
		wantRunning(t, p, 2)
		pass(60 * time.Millisecond)
		wantRunning(t, p, 5)
		pass(time.Hour)
		wantRunning(t, p, 5)
	})
}

func TestRampGoesDownOnePlayerPerSpawnDelay(t *testing.T) {
	rampTest(t, 0, func(t *testing.T, p *players) {
		p.setTarget(10)
		pass(0)
		wantRunning(t, p, 10)
		p.setDelay(time.Second)
		p.setTarget(7)
		pass(2 * time.Second)
		wantRunning(t, p, 8)
		pass(time.Second)
		wantRunning(t, p, 7)
	})
}

func TestRampKeepsItsPaceWhenTheTargetMoves(t *testing.T) {
	rampTest(t, 100*time.Millisecond, func(t *testing.T, p *players) {
		for n := range int64(50) { // a new target every 10 ms must not hurry the ramp, nor hold it up
			p.setTarget(100 + n)
			pass(10 * time.Millisecond)
		}
		wantRunning(t, p, 6)
	})
}

func TestRampTakesUpANewDelayInMidStep(t *testing.T) {
	rampTest(t, time.Hour, func(t *testing.T, p *players) {
		p.setTarget(3)
		pass(time.Minute)
		wantRunning(t, p, 1)
		p.setDelay(0)
		pass(0)
		wantRunning(t, p, 3)
	})
}

func TestStopIsAtOnceAndCancelsTheRamp(t *testing.T) {
	rampTest(t, 20*time.Millisecond, func(t *testing.T, p *players) {
		p.setTarget(100)
		pass(time.Second)
		p.stop()
		synctest.Wait()
		wantRunning(t, p, 0)
		pass(time.Hour)
		wantRunning(t, p, 0)
		if _, _, active := p.report(); active {
			t.Error("still active after stop")
		}
		p.setTarget(2)
		pass(time.Second)
		wantRunning(t, p, 2)
	})
}

func TestReportCountsAPlayerUntilItHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		p := newPlayers(time.Millisecond, func(context.Context) { <-release }) // busy: does not look at its context
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { p.run(ctx); close(done) }()
		p.setTarget(2)
		pass(time.Second)
		p.stop()
		synctest.Wait()
		if running, delay, active := p.report(); running != 2 || !active || delay != time.Millisecond {
			t.Errorf("report = %d, %v, %v; want 2 players that still run", running, delay, active)
		}
		close(release)
		synctest.Wait()
		wantRunning(t, p, 0)
		cancel()
		<-done
	})
}
