package metrics

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// readyTimeout is how long a scrape waits for the answer whether the server is ready. The log answers only between two
// appends, and on a disk that hangs an append takes longer than a scrape may.
const readyTimeout = 2 * time.Second

// Sources are read at each scrape. All must be set, except where nil has a meaning.
type Sources struct {
	Swarm        func() swarm.Tally
	OpenCommands func() int                 // without an outcome
	LogUsage     func() (used, limit int64) // bytes
	LogPosition  func() uint64              // of the last record
	Ready        func(context.Context) bool // whether commands are accepted
	Certificate  func() (expires time.Time) // nil: without TLS
	Webhooks     func() []Webhook           // nil: without webhooks
}

// Webhook is how one webhook is doing.
type Webhook struct {
	Name              string
	Up                bool   // the last attempt was accepted
	Behind            uint64 // records that are not delivered yet
	Delivered, Failed uint64 // records that were accepted, and attempts that failed
}

// Read adds the metrics that are read from sources. It is called once.
func (m *Metrics) Read(src Sources) {
	b := m.book
	s := &scraped{
		src:     src,
		drivers: b.readings("swarmcall_drivers", "Known drivers.", "state"),
		unresponsive: b.readings("swarmcall_drivers_unresponsive",
			"Active drivers that missed their last deadlines without an answer since."),
		players: b.readings("swarmcall_players",
			"Players: target is what the known drivers are to run, actual what active drivers report.", "kind"),
		open:     b.readings("swarmcall_commands_open", "Commands without an outcome."),
		used:     b.readings("swarmcall_log_bytes", "Size of the log."),
		limit:    b.readings("swarmcall_log_max_bytes", "Size at which the log refuses entries."),
		position: b.readings("swarmcall_log_position", "Position of the last record."),
		ready:    b.readings("swarmcall_ready", "1 if the server accepts commands, as GET /readyz says; else 0."),
	}
	if src.Certificate != nil {
		s.expires = b.readings("swarmcall_tls_certificate_expiry_timestamp_seconds",
			"When the certificate in force expires, as a Unix time.")
	}
	if src.Webhooks != nil {
		s.webhookUp = b.readings("swarmcall_webhook_up",
			"1 if the endpoint accepted the last attempt; 0 if it did not, or wants nothing more.", "webhook")
		s.webhookBehind = b.readings("swarmcall_webhook_behind_records", "Records after the last one that was delivered.",
			"webhook")
		s.webhookDeliveries = b.readCounts("swarmcall_webhook_deliveries_total",
			"Attempts by result. A record is tried until it is delivered.", "webhook", "result")
	}
	b.MustRegister(s)
}

// scraped is a collector that reads each source once per scrape.
type scraped struct {
	src Sources

	asking, isReady atomic.Bool

	drivers, unresponsive, players, open, used, limit, position, ready, expires *prometheus.Desc

	webhookUp, webhookBehind, webhookDeliveries *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (s *scraped) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		s.drivers, s.unresponsive, s.players, s.open, s.used, s.limit, s.position, s.ready, s.expires,
		s.webhookUp, s.webhookBehind, s.webhookDeliveries,
	} {
		if d != nil {
			out <- d
		}
	}
}

// Collect implements prometheus.Collector.
func (s *scraped) Collect(out chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	t := s.src.Swarm()
	send(s.drivers, float64(t.Active), string(swarm.Active))
	send(s.drivers, float64(t.Stale), string(swarm.Stale))
	send(s.drivers, float64(t.Disconnected), string(swarm.Disconnected))
	send(s.unresponsive, float64(t.Unresponsive))
	send(s.players, float64(t.Target), "target")
	send(s.players, float64(t.Actual), "actual")
	send(s.open, float64(s.src.OpenCommands()))
	used, limit := s.src.LogUsage()
	send(s.used, float64(used))
	send(s.limit, float64(limit))
	send(s.position, float64(s.src.LogPosition()))
	send(s.ready, s.readiness())
	if s.expires != nil {
		send(s.expires, float64(s.src.Certificate().Unix()))
	}
	if s.webhookUp != nil {
		s.collectWebhooks(send, out)
	}
}

func (s *scraped) collectWebhooks(send func(*prometheus.Desc, float64, ...string), out chan<- prometheus.Metric) {
	count := func(v uint64, labels ...string) {
		out <- prometheus.MustNewConstMetric(s.webhookDeliveries, prometheus.CounterValue, float64(v), labels...)
	}
	for _, h := range s.src.Webhooks() {
		up := 0.0
		if h.Up {
			up = 1
		}
		send(s.webhookUp, up, h.Name)
		send(s.webhookBehind, float64(h.Behind), h.Name)
		count(h.Delivered, h.Name, "delivered")
		count(h.Failed, h.Name, "failed")
	}
}

// readiness is 0 if there is no answer in time. At most one question is open at a time.
func (s *scraped) readiness() float64 {
	if !s.asking.CompareAndSwap(false, true) {
		return s.answered()
	}
	done := make(chan struct{})
	go func() { // ends when the log answers, or has failed
		defer close(done)
		defer s.asking.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		defer cancel()
		s.isReady.Store(s.src.Ready(ctx))
	}()
	patience := time.NewTimer(readyTimeout)
	defer patience.Stop()
	select {
	case <-done:
		return s.answered()
	case <-patience.C:
		s.isReady.Store(false)
		return 0
	}
}

func (s *scraped) answered() float64 {
	if s.isReady.Load() {
		return 1
	}
	return 0
}
