package metrics

import (
	"net/http"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// scrapesAtOnce bounds the answers that are computed at a time: a scrape reads the whole swarm.
const scrapesAtOnce = 4

// Build is what was built.
type Build struct{ Version, Revision, GoVersion string }

// Metrics are the figures of one server. Each part is for the component that it measures.
type Metrics struct {
	Access   *Access
	Commands *Commands
	Log      *Log
	Requests *Requests
	Sessions *Sessions
	Streams  *Streams

	book *book
}

// New returns metrics that are zero, with those of the Go runtime and the process.
func New(build Build) *Metrics {
	b := &book{Registry: prometheus.NewRegistry()}
	b.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	b.gauges("swarmcall_build_info", "The version that runs; the value is always 1.",
		"version", "revision", "goversion").WithLabelValues(build.Version, build.Revision, build.GoVersion).Set(1)
	return &Metrics{
		Access: newAccess(b), Commands: newCommands(b), Log: newLog(b), Requests: newRequests(b), Sessions: newSessions(b),
		Streams: newStreams(b), book: b,
	}
}

// Table describes every metric but those of the Go runtime and the process, by name.
func (m *Metrics) Table() []Metric {
	return slices.SortedFunc(slices.Values(m.book.all), func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.book, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesAtOnce})
}
