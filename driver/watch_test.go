package driver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// TestSilentServerIsLeft: only the server's silence shows that the connection is dead.
func TestSilentServerIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.accept.OnPingReceived = func(context.Context, []byte) bool { return false } // no pong
		server.drive(Config{}, &recorder{})
		server.welcome()
		start := time.Now()
		server.welcome()
		if waited := time.Since(start); waited != 45500*time.Millisecond {
			t.Errorf("back after %v, want ¾ of the lease of 60 s, and the jitter", waited)
		}
	})
}

// TestWriteThatHangsEndsTheSession: the driver's frames are not read, and the buffers are full.
func TestWriteThatHangsEndsTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		frozen := make(chan struct{})
		server.network.frozen = frozen
		server.drive(Config{}, &recorder{})
		server.welcome()
		server.network.frozen = nil
		start := time.Now()
		close(frozen)
		server.welcome()
		// The first heartbeat is lost, the second blocks until the write timeout.
		if waited, want := time.Since(start), 2*time.Second+writeTimeout+500*time.Millisecond; waited != want {
			t.Errorf("back after %v, want %v", waited, want)
		}
	})
}

// TestAnyFrameCountsAsLife: for ten leases the server sends only frames of one kind.
func TestAnyFrameCountsAsLife(t *testing.T) {
	for name, speak := range map[string]func(*peer){
		"pings": func(p *peer) { _ = p.conn.Ping(context.Background()) },
		"heartbeat_acks": func(p *peer) {
			p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			pinged := 0
			server.accept.OnPingReceived = func(context.Context, []byte) bool { pinged++; return true }
			server.drive(Config{}, &recorder{})
			p, _ := server.welcome()
			for i := range 600 {
				expect[wire.Heartbeat](p, wire.TypeHeartbeat)
				if i%15 == 0 {
					speak(p)
				}
			}
			synctest.Wait()
			if pinged > 0 {
				t.Errorf("%s: the driver asked %d times", name, pinged)
			}
		})
	}
}

func TestNoLeaseNoWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.accept.OnPingReceived = func(context.Context, []byte) bool { t.Error("pinged"); return false }
		server.drive(Config{}, &recorder{})
		p := server.connection()
		p.sendText([]byte(`{"type":"registered","heartbeat_interval_ms":1000}`))
		for range 600 {
			expect[wire.Heartbeat](p, wire.TypeHeartbeat)
		}
	})
}
