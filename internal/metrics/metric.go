package metrics

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
)

// Metric describes one metric.
type Metric struct {
	Name, Type, Help string
	Labels           []string
}

const (
	counter   = "counter"
	gauge     = "gauge"
	histogram = "histogram"
)

// book registers metrics and keeps their descriptions.
type book struct {
	*prometheus.Registry

	all []Metric
}

func (b *book) note(kind, name, help string, labels []string) {
	b.all = append(b.all, Metric{name, kind, help, labels})
}

func (b *book) counters(name, help string, labels ...string) *prometheus.CounterVec {
	b.note(counter, name, help, labels)
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	b.MustRegister(v)
	return v
}

func (b *book) counter(name, help string) prometheus.Counter {
	return b.counters(name, help).WithLabelValues()
}

func (b *book) gauges(name, help string, labels ...string) *prometheus.GaugeVec {
	b.note(gauge, name, help, labels)
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	b.MustRegister(v)
	return v
}

func (b *book) histograms(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	b.note(histogram, name, help, labels)
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	b.MustRegister(v)
	return v
}

func (b *book) histogram(name, help string, buckets []float64) prometheus.Observer {
	return b.histograms(name, help, buckets).WithLabelValues()
}

// readings are gauges that are read at a scrape.
func (b *book) readings(name, help string, labels ...string) *prometheus.Desc {
	return b.read(gauge, name, help, labels)
}

// readCounts are counters that are read at a scrape.
func (b *book) readCounts(name, help string, labels ...string) *prometheus.Desc {
	return b.read(counter, name, help, labels)
}

func (b *book) read(kind, name, help string, labels []string) *prometheus.Desc {
	b.note(kind, name, help, labels)
	return prometheus.NewDesc(name, help, labels, nil)
}

// counts are counters with one label whose values are known: all of them exist from the start, so that a rate sees the
// first event.
type counts struct {
	by    map[string]prometheus.Counter
	other prometheus.Counter // for all other values; nil: these are not counted
}

// other is the value of a label for what has no value of its own.
const other = "other"

func countsOf(v *prometheus.CounterVec, values []string, before ...string) counts {
	c := counts{by: make(map[string]prometheus.Counter, len(values))}
	for _, value := range values {
		c.by[value] = v.WithLabelValues(append(slices.Clone(before), value)...)
	}
	c.other = c.by[other]
	return c
}

func (c counts) add(value string, n int) {
	counted, ok := c.by[value]
	if !ok {
		counted = c.other
	}
	if counted != nil && n > 0 {
		counted.Add(float64(n))
	}
}
