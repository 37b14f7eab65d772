package drivers

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// tail is the end of a shared log, as a node reaches it.
type tail struct {
	wait chan struct{} // closed when the node has reached it
	err  error
}

func (x *tail) caughtUp(ctx context.Context) error {
	select {
	case <-x.wait:
		return x.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func reached() *tail {
	x := &tail{wait: make(chan struct{})}
	close(x.wait)
	return x
}

// shared makes a world one of several nodes.
func shared(caughtUp func(context.Context) error) func(*Config) {
	return func(c *Config) { c.Shared, c.Node, c.CaughtUp = true, nodeID(0), caughtUp }
}

// handshake returns how a handshake is refused, nil if it would be accepted, and how long that took.
func (w *world) handshake() (took time.Duration, refused error) {
	req := httptest.NewRequest(http.MethodGet, "/drivers/connect", nil)
	for key, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol": wire.Subprotocol,
	} {
		req.Header.Set(key, value)
	}
	began := time.Now()
	w.r.Handler(func(_ http.ResponseWriter, _ *http.Request, err error) { refused = err }).
		ServeHTTP(httptest.NewRecorder(), req)
	return time.Since(began), refused
}

// TestANodeBehindTheLogRegistersNobody: it waits for the end of the log, and refuses the handshake if that is not
// reached in time.
func TestANodeBehindTheLogRegistersNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error // of the wait; nil: it does not end
		code swarm.Code
		took time.Duration
	}{
		"it does not catch up": {nil, swarm.CodeLogUnavailable, caughtUpWithin},
		"it cannot know":       {errors.New("no connection"), swarm.CodeLogUnavailable, 0},
		"it says why":          {swarm.Errorf(swarm.CodeShuttingDown, "stopping"), swarm.CodeShuttingDown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x := &tail{wait: make(chan struct{}), err: tc.err}
				if tc.err != nil {
					close(x.wait)
				}
				w := openWorld(t, func(c *Config) { c.CaughtUp = x.caughtUp })
				defer w.close()
				took, err := w.handshake()
				if swarm.CodeOf(err) != tc.code || took != tc.took {
					t.Errorf("refused with %v after %v", err, took)
				}
			})
		})
	}
}

// TestADriverAheadOfItsNodeWaits until the node has read what the driver has applied; other sessions go on meanwhile.
func TestADriverAheadOfItsNodeWaits(t *testing.T) {
	x := reached()
	inWorldWith(t, shared(func(ctx context.Context) error { return x.caughtUp(ctx) }), func(w *world) {
		other, _ := w.join("other", "")
		p := w.dial()
		x = &tail{wait: make(chan struct{})}
		p.send(`{"type":"register","driver_id":"d-1","log_id":"log.1","applied_seq":7,"state":{"players":10}}`)
		<-time.After(time.Second)
		w.offer(7, set10, "other")
		if c := other.command(); c.Seq != 7 {
			t.Errorf("got %+v", c)
		}
		if _, known := w.r.Driver("d-1"); known {
			t.Error("it was registered before the node had caught up")
		}
		close(x.wait)
		var reg wire.Registered
		if p.receive(&reg); reg.Type != wire.TypeRegistered {
			t.Errorf("got %+v", reg)
		}
		if d, _ := w.r.Driver("d-1"); d.AppliedSeq != 7 {
			t.Errorf("%+v", d)
		}
		if len(w.sink.only("regressed")) != 0 {
			t.Errorf("reported %v", w.sink.all())
		}
	})
}

// TestADriverPastASharedLogIsRefused: by any driver, and by any number of them. The operator is told.
func TestADriverPastASharedLogIsRefused(t *testing.T) {
	inWorldWith(t, shared(reached().caughtUp), func(w *world) {
		for i, id := range []string{"d-1", "d-2", "d-3"} {
			if code := w.claim(id, 9); code != wire.CloseOverloaded || w.sink.count("regressed") != i+1 {
				t.Errorf("%s: closed with %d, reported %v", id, code, w.sink.all())
			}
		}
		if n := len(w.r.Drivers()); n != 0 {
			t.Errorf("%d drivers are known", n)
		}
	})
}

// TestWhetherADriverIsPastTheLogIsNotKnown while the end of the log is not: then it backs off, and nobody is told.
func TestWhetherADriverIsPastTheLogIsNotKnown(t *testing.T) {
	x := reached()
	inWorldWith(t, shared(func(ctx context.Context) error { return x.caughtUp(ctx) }), func(w *world) {
		p := w.dial()
		x = &tail{wait: make(chan struct{})}
		began := time.Now()
		p.send(`{"type":"register","driver_id":"d-1","log_id":"log.1","applied_seq":9}`)
		code, _ := p.closed()
		if wire.CloseCode(code) != wire.CloseOverloaded || time.Since(began) != caughtUpWithin {
			t.Errorf("closed with %d after %v", code, time.Since(began))
		}
		if n := len(w.sink.all()); n != 0 {
			t.Errorf("reported %v", w.sink.all())
		}
	})
}
