package driver

import (
	"context"
	"errors"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// farewell leaves for good: the context of Run has ended, so the worker takes no further command. It waits for the
// answer to a running one, as long as there is time, so that the server counts it as acked and not as missing.
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

// reason says why the driver leaves: the cause the caller gave its context, or just that it is done.
func reason(ctx context.Context) string {
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cut(cause.Error(), wire.MaxRejectDetailBytes)
	}
	return "done"
}
