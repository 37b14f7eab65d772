package app

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/metrics"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// readMetrics connects the metrics that are read at each scrape.
func (s *server) readMetrics(stopping *atomic.Bool) {
	src := metrics.Sources{
		Swarm: s.registry.Tally, OpenCommands: s.dispatcher.Open, LogPosition: s.feed.Last,
		LogUsage: func() (used, limit int64) {
			u := s.log.Usage()
			return u.Bytes, u.Max
		},
		Ready: func(ctx context.Context) bool {
			for _, c := range s.ready(ctx, stopping) {
				if !c.OK {
					return false
				}
			}
			return true
		},
	}
	if s.certs != nil {
		src.Certificate = s.certs.Expires
	}
	if s.webhooks != nil {
		src.Webhooks = s.webhookFigures
	}
	s.metrics.Read(src)
}

func (s *server) webhookFigures() (out []metrics.Webhook) {
	for _, h := range s.webhooks.Status() {
		out = append(out, metrics.Webhook{
			Name: h.Name, Up: h.FailingSince.IsZero() && !h.Disabled, Behind: h.Behind, Delivered: h.Delivered, Failed: h.Failed,
		})
	}
	return out
}

// requestMeter gives what the router and the dashboard measure to the metrics.
type requestMeter struct{ *metrics.Metrics }

var _ httpapi.Meter = requestMeter{}

// Answered implements httpapi.Meter.
func (m requestMeter) Answered(method, route string, status int, code swarm.Code, took time.Duration) {
	m.Requests.Answered(method, route, status, took)
	m.Access.Failed(code)
}

// StreamOpened implements httpapi.Meter.
func (m requestMeter) StreamOpened() { m.Streams.Opened() }

// StreamClosed implements httpapi.Meter.
func (m requestMeter) StreamClosed(dropped bool) { m.Streams.Closed(dropped) }
