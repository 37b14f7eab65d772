package drivers

import (
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// frameBudget returns what limits the frames of one session; nil for no limit.
func (c *Config) frameBudget() *rate.Limiter {
	if c.FramesPerSecond == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(c.FramesPerSecond), c.FrameBurst)
}

// afterPause is how long after a pause of this process no session is over its limit: the frames that drivers sent
// during the pause are read together then.
const afterPause = 5 * time.Second

// withinLimit counts a frame. If the session has sent too many, it is closed, and withinLimit reports false.
func (s *session) withinLimit() bool {
	now := time.Now()
	if s.frames == nil || s.frames.AllowN(now, 1) || s.r.pausedSince(now.Add(-afterPause), now) {
		return true
	}
	detail := fmt.Sprintf(
		"a driver may send %d frames per second, and %d at once, besides its answers to commands",
		s.r.cfg.FramesPerSecond, s.r.cfg.FrameBurst)
	s.refuse(wire.ErrorTooManyFrames, detail)
	s.outbox.close(wire.CloseTooFast)
	s.reportRefused(swarm.CodeRateLimited, s.driverID(), detail)
	return false
}
