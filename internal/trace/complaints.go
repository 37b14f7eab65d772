package trace

import (
	"log/slog"
	"sync"
	"time"
)

// complainEvery bounds how often errors of the SDK are logged: it reports one for each batch that a collector does not
// accept.
const complainEvery = time.Minute

// complaints logs errors of the SDK.
type complaints struct {
	logger *slog.Logger

	mu     sync.Mutex
	next   time.Time // when the next error is logged
	silent int       // errors since the last one that was logged
}

// Handle implements otel.ErrorHandler.
func (c *complaints) Handle(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if now.Before(c.next) {
		c.silent++
		return
	}
	c.logger.Warn("traces were not sent; commands are not affected", "err", err, "errors_before", c.silent)
	c.next, c.silent = now.Add(complainEvery), 0
}
