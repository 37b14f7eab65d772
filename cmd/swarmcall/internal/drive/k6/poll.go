package k6

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	pollEvery   = 500 * time.Millisecond
	lostAfter   = 5 * time.Second // a k6 that does not answer for this long counts as ended
	pollTimeout = 2 * time.Second
)

// poll is the last status and metrics of k6.
type poll struct {
	api *api

	mu      sync.Mutex
	last    status
	figures map[string]float64
	reqs    float64 // requests and failed requests, at the time at
	failed  float64
	at      time.Time
}

// ask requests status and metrics. Missing metrics are not an error. A stopped run is over.
func (p *poll) ask(ctx context.Context) (over, unanswered error) {
	ctx, cancel := context.WithTimeout(ctx, pollTimeout)
	defer cancel()
	s, err := p.api.status(ctx)
	if err != nil {
		return nil, fmt.Errorf("the k6 at %s does not answer: %w", p.api.base, err)
	}
	p.saw(s)
	if s.Stopped {
		return fmt.Errorf("the run of the k6 at %s was stopped", p.api.base), nil
	}
	if samples, err := p.api.metrics(ctx); err == nil {
		p.measured(samples, time.Now())
	}
	return nil, nil
}

func (p *poll) saw(s status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = s
}

func (p *poll) vus() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last.VUs
}

// measured turns counts into rates. K6 has latencies of the whole run only; the names start with run_ for this reason.
func (p *poll) measured(samples map[string]map[string]float64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	reqs := samples["http_reqs"]["count"]
	failed := reqs * samples["http_req_failed"]["rate"]
	figures := map[string]float64{"vus_max": float64(p.last.VUsMax)}
	if seconds := now.Sub(p.at).Seconds(); !p.at.IsZero() && seconds > 0 {
		figures["rps"] = max(0, reqs-p.reqs) / seconds
		figures["errors_per_s"] = max(0, failed-p.failed) / seconds
	}
	for name, stat := range map[string]string{"run_latency_p50_ms": "med", "run_latency_p95_ms": "p(95)"} {
		if v, ok := samples["http_req_duration"][stat]; ok {
			figures[name] = v
		}
	}
	p.reqs, p.failed, p.at, p.figures = reqs, failed, now, figures
}

func (p *poll) metrics() map[string]float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.figures
}
