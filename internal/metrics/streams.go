package metrics

import "github.com/prometheus/client_golang/prometheus"

// Streams counts the clients of event streams: of the API and of the dashboard.
type Streams struct {
	clients prometheus.Gauge
	dropped prometheus.Counter
}

func newStreams(b *book) *Streams {
	return &Streams{
		clients: b.gauges("swarmcall_sse_clients", "Open event streams.").WithLabelValues(),
		dropped: b.counter("swarmcall_sse_dropped_total",
			"Event streams that the server ended because the client accepted no data in time."),
	}
}

// Opened counts a client that has connected.
func (s *Streams) Opened() { s.clients.Inc() }

// Closed counts a client that has left; dropped says that it accepted no data in time.
func (s *Streams) Closed(dropped bool) {
	s.clients.Dec()
	if dropped {
		s.dropped.Inc()
	}
}
