package driver

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestFarewell(t *testing.T) {
	for want, cause := range map[string]error{"done": nil, "the test is over": errors.New("the test is over")} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			d := server.drive(Config{}, &recorder{})
			p, _ := server.welcome()
			synctest.Wait()
			start := time.Now()
			d.stop(cause)
			if got := expect[wire.Deregister](p, wire.TypeDeregister); got.Reason != want {
				t.Errorf("left for %q, want %q", got.Reason, want)
			}
			if rest, code := p.gone(); code != 1000 || len(rest) > 0 {
				t.Errorf("closed with %d after %d more frames, want 1000 at once", code, len(rest))
			}
			if err := d.result(); err != nil {
				t.Errorf("Run = %v", err)
			}
			if waited := time.Since(start); waited > 0 {
				t.Errorf("took %v though nothing was in the way", waited)
			}
		})
	}
}

// TestFarewellWaitsForARunningCommand: its answer is sent before the deregister; the command behind it is not started.
func TestFarewellWaitsForARunningCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		d := server.drive(Config{}, HandlerFunc(func(ctx context.Context, c Command) error {
			if c.Seq != 6 {
				t.Errorf("began %d though the driver is leaving", c.Seq)
			}
			<-ctx.Done()
			<-time.After(time.Second) // tidies up
			return nil
		}))
		p, _ := server.welcome()
		p.command(6, players(100))
		p.command(7, players(200))
		synctest.Wait()
		start := time.Now()
		d.stop(nil)
		p.applied(6)
		if waited := time.Since(start); waited != time.Second {
			t.Errorf("acked after %v, want 1s", waited)
		}
		expect[wire.Deregister](p, wire.TypeDeregister)
		if rest, code := p.gone(); code != 1000 || len(rest) > 0 {
			t.Errorf("closed with %d after %d more frames", code, len(rest))
		}
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestFarewellWithAStuckHandler: the server gets the deregister in time; Run returns only after the handler.
func TestFarewellWithAStuckHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		d := server.drive(Config{}, handler)
		p, _ := server.welcome()
		p.command(6, players(100))
		synctest.Wait()
		start := time.Now()
		d.stop(nil)
		expect[wire.Deregister](p, wire.TypeDeregister)
		if waited := time.Since(start); waited != applyGrace {
			t.Errorf("left after %v, want %v", waited, applyGrace)
		}
		if rest, code := p.gone(); code != 1000 || len(rest) > 0 {
			t.Errorf("closed with %d after %d more frames", code, len(rest))
		}
		synctest.Wait()
		if len(d.done) > 0 {
			t.Error("Run has returned while the handler is still at work")
		}
		close(handler.open)
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

func TestFarewellFromADeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		frozen := make(chan struct{})
		server.network.frozen = frozen
		d := server.drive(Config{}, &recorder{})
		server.welcome()
		synctest.Wait()
		close(frozen)
		start := time.Now()
		d.stop(nil)
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
		if waited := time.Since(start); waited != farewellTimeout {
			t.Errorf("took %v, want %v", waited, farewellTimeout)
		}
	})
}

func TestFarewellBeforeRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		d := server.drive(Config{}, &recorder{})
		p := server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		d.stop(nil)
		expect[wire.Deregister](p, wire.TypeDeregister)
		if _, code := p.gone(); code != 1000 {
			t.Errorf("closed with %d, want 1000", code)
		}
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
	})
}

// TestFarewellWhileNotReading: the queue is full, so the reader waits for the worker, which is ending.
func TestFarewellWhileNotReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		d := server.drive(Config{}, HandlerFunc(func(ctx context.Context, _ Command) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		p, _ := server.welcome()
		for seq := uint64(1); seq <= remembered+2; seq++ {
			p.command(seq, players(1))
		}
		synctest.Wait()
		start := time.Now()
		d.stop(nil)
		p.rejected(1, "apply_failed", "context canceled")
		expect[wire.Deregister](p, wire.TypeDeregister)
		if _, code := p.gone(); code != 1000 {
			t.Errorf("closed with %d, want 1000", code)
		}
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
		if waited := time.Since(start); waited > 0 {
			t.Errorf("took %v though nothing was in the way", waited)
		}
	})
}

// TestFarewellWhileNotReadingFromADeadServer has two obstacles: a full queue, and no answer to the close.
func TestFarewellWhileNotReadingFromADeadServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		frozen := make(chan struct{})
		server.network.frozen = frozen
		d := server.drive(Config{}, handler)
		p, _ := server.welcome()
		for seq := uint64(1); seq <= remembered+2; seq++ {
			p.command(seq, players(1))
		}
		synctest.Wait()
		close(frozen)
		start := time.Now()
		d.stop(nil)
		synctest.Wait()
		close(handler.open)
		if err := d.result(); err != nil {
			t.Errorf("Run = %v", err)
		}
		if waited := time.Since(start); waited != farewellTimeout {
			t.Errorf("took %v, want %v", waited, farewellTimeout)
		}
	})
}

func TestEndedBeforeItBegan(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Run(ctx, Config{URL: "http://127.0.0.1:1", DriverID: "d-1"}, &recorder{}); err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// TestStopCodeEndsARunningCommand: Run ends the context of the handler, and returns only after it.
func TestStopCodeEndsARunningCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		returned := false
		d := server.drive(Config{}, HandlerFunc(func(ctx context.Context, _ Command) error {
			<-ctx.Done()
			returned = true
			return ctx.Err()
		}))
		p, _ := server.welcome()
		p.command(6, players(100))
		synctest.Wait()
		p.close(wire.CloseSuperseded)
		if err, ok := errors.AsType[*CloseError](d.result()); !ok || err.Code != wire.CloseSuperseded || !returned {
			t.Errorf("Run = %v, handler returned: %v; want 4002 after the handler", err, returned)
		}
	})
}
