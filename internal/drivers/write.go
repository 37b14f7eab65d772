package drivers

import (
	"context"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/failpoint"
)

// write is the session's writer: it sends the content of the outbox until the session ends. Its writes have no
// deadline, because the library closes the connection when one passes; instead, the sweeper watches the socket.
func (s *session) write() {
	defer s.r.running.Done()
	var frames [][]byte
	for {
		var commands int
		var closing wire.CloseCode
		var ok bool
		if frames, commands, closing, ok = s.outbox.take(frames[:0]); !ok {
			return
		}
		if err := s.send(frames); err != nil {
			s.kill()
			return
		}
		s.r.cfg.Meter.Sent(wire.TypeCommand, commands)
		clear(frames)
		if closing != 0 {
			// the peer may be disconnected already; the reader sees it
			_ = s.conn.Close(websocket.StatusCode(closing), closing.Text())
			return
		}
	}
}

// send writes frames, several with one system call.
func (s *session) send(frames [][]byte) error {
	if len(frames) == 0 {
		return nil
	}
	if len(frames) > 1 {
		s.socket.cork()
	}
	for _, f := range frames {
		if err := s.conn.Write(context.Background(), websocket.MessageText, f); err != nil {
			return err
		}
	}
	if len(frames) > 1 {
		if err := s.socket.uncork(); err != nil {
			return err
		}
	}
	failpoint.Hit(failpoint.MidFanout)
	return nil
}

// pingOnce pings a driver unless a ping is on its way. The goroutine ends with the pong, the session or WriteTimeout.
func (s *session) pingOnce() {
	if !s.pinging.CompareAndSwap(false, true) {
		return
	}
	s.r.running.Go(func() {
		defer s.pinging.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), WriteTimeout)
		defer cancel()
		began := time.Now()
		s.pingedAt.Store(s.clock(began))
		if s.conn.Ping(ctx) == nil { // the sweeper judges silence
			s.rtt.Store(int64(time.Since(began)))
		}
	})
}

// rttDue reports whether it is time to measure the round trip: PingAfter the start of the session, then every RTTEvery.
func (s *session) rttDue(now time.Time) bool {
	pinged := s.pingedAt.Load()
	if pinged == 0 {
		return s.beatAt.Load() != 0 && now.Sub(s.since) >= PingAfter
	}
	return time.Duration(s.clock(now)-pinged) >= RTTEvery
}
