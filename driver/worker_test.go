package driver

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
)

// TestPushAfterTheEnd: the reader must not wait for a worker that has ended, or the farewell takes longer than its
// timeout.
func TestPushAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // a push that blocks for ever is a deadlock of the bubble
		w := newWorker(&recorder{}, limits{}, slog.New(slog.DiscardHandler))
		ended, end := context.WithCancel(context.Background())
		end()
		w.run(ended)
		for range 2 * remembered {
			w.push(context.Background(), &job{})
		}
	})
}
