package driver

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// beat sends heartbeats at the server's interval, whatever the handler does.
func (s *session) beat() {
	ticker := time.NewTicker(s.info.HeartbeatInterval)
	defer ticker.Stop()
	for {
		select {
		case <-s.alive.Done():
			return
		case d := <-s.interval:
			ticker.Reset(d)
		case <-ticker.C:
			if err := s.send(s.heartbeat()); err != nil {
				s.lost(err)
				return
			}
		}
	}
}

func (c *client) heartbeat() []byte {
	_, applied, state := c.worker.progress()
	h := wire.Heartbeat{Type: wire.TypeHeartbeat, AppliedSeq: applied, State: c.state(state)}
	if c.cfg.Metrics == nil {
		return wire.Encode(h)
	}
	metrics := c.cfg.Metrics()
	h.Metrics = presentable(metrics)
	if len(metrics) > wire.MaxMetrics {
		c.tooMany.Do(func() {
			c.log.Warn("some metrics are not sent: too many", "have", len(metrics), "limit", wire.MaxMetrics)
		})
	}
	frame := wire.Encode(h)
	if len(frame) <= wire.MaxFrameBytes {
		return frame
	}
	c.oversize.Do(func() {
		c.log.Warn("metrics are not sent: too long for one frame", "bytes", len(frame), "limit", wire.MaxFrameBytes)
	})
	h.Metrics = nil
	return wire.Encode(h)
}

// state returns what the driver reports: Config.State, or else the state according to the applied commands.
func (c *client) state(applied State) *wire.State {
	if c.cfg.State != nil {
		applied = c.cfg.State()
	}
	return (*wire.State)(&applied)
}

// presentable removes metrics that JSON cannot hold, and those for which the server would refuse the whole heartbeat:
// the driver would become stale.
func presentable(metrics map[string]float64) map[string]float64 {
	out := make(map[string]float64, min(len(metrics), wire.MaxMetrics))
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		v := metrics[name]
		if len(out) < wire.MaxMetrics && !math.IsNaN(v) && !math.IsInf(v, 0) &&
			plainText(name, wire.MaxMetricNameBytes) {
			out[name] = v
		}
	}
	return out
}
