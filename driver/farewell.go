package driver

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// farewell deregisters: the context of Run has ended, so the worker accepts no further command. It waits for the answer
// to a running command while there is time, so that the server counts it as acked and not as missing.
func (s *session) farewell(ctx context.Context) {
	defer s.end(nil)
	late := time.AfterFunc(farewellTimeout, func() { s.end(nil) })
	defer late.Stop()
	grace := time.NewTimer(applyGrace)
	defer grace.Stop()
	select {
	case <-s.worker.finished:
	case <-s.alive.Done():
		return
	case <-grace.C:
		s.log.Warn("the handler is still applying a command; deregistering without its answer")
	}
	if err := s.send(wire.Encode(wire.Deregister{Type: wire.TypeDeregister, Reason: reason(ctx)})); err != nil {
		return
	}
	_ = s.conn.Close(websocket.StatusCode(wire.CloseDone), "")
}

// reason returns why the driver deregisters: the cause of the caller's context, or a default.
func reason(ctx context.Context) string {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cut(cause.Error(), wire.MaxRejectDetailBytes)
	}
	return "done"
}
