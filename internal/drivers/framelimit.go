package drivers

import (
	"fmt"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// budget limits how often something may happen. The zero value is full.
type budget struct {
	mu   sync.Mutex
	left float64
	at   time.Time // of left
}

// take uses one unit of a budget that grows by perSecond up to most. It reports false if there is none.
func (b *budget) take(now time.Time, perSecond, most int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.left = min(float64(most), b.left+now.Sub(b.at).Seconds()*float64(perSecond))
	b.at = now
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

// afterPause is how long after a pause of this process no session is over its limit: the frames that drivers sent
// during the pause are read together then.
const afterPause = 5 * time.Second

// withinLimit counts a frame. If the session has sent too many, it is closed, and withinLimit reports false.
func (s *session) withinLimit() bool {
	rate, burst := s.r.cfg.FramesPerSecond, s.r.cfg.FrameBurst
	now := time.Now()
	if rate == 0 || s.budget.take(now, rate, burst) || s.r.pausedSince(now.Add(-afterPause), now) {
		return true
	}
	detail := fmt.Sprintf(
		"a driver may send %d frames per second, and %d at once, besides its answers to commands", rate, burst)
	s.refuse(wire.ErrorTooManyFrames, detail)
	s.outbox.close(wire.CloseTooFast)
	s.reportRefused(swarm.CodeRateLimited, s.driverID(), detail)
	return false
}
