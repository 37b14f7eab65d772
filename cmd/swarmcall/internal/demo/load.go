package demo

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// thinkTime is how long a player waits between two requests, on average.
const thinkTime = 100 * time.Millisecond

// load sends the players' requests, small GETs on the target, and counts them.
type load struct {
	url    string
	client *http.Client
	served atomic.Int64
	failed atomic.Int64

	mu      sync.Mutex // guards the fields below, which metrics uses
	lastAt  time.Time
	lastOK  int64
	lastBad int64
}

func newLoad(url string, players int) *load {
	return &load{
		url:    url,
		lastAt: time.Now(),
		client: &http.Client{
			Timeout: 5 * time.Second,
			Transport: &http.Transport{ // no proxy: the target is on this machine
				DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
				MaxIdleConnsPerHost: players, // otherwise every request of a busy swarm would take a new port
			},
		},
	}
}

// play runs one player until ctx ends.
func (l *load) play(ctx context.Context) {
	think := time.NewTimer(0)
	defer think.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-think.C:
		}
		err := l.visit(ctx)
		switch {
		case ctx.Err() != nil:
			return // a request cancelled by the player's end is not a failure
		case err != nil:
			l.failed.Add(1)
		default:
			l.served.Add(1)
		}
		think.Reset(thinkTime/2 + rand.N(thinkTime)) //nolint:gosec // spreads requests; it need not be unpredictable
	}
}

func (l *load) visit(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, l.url, nil)
	if err != nil {
		return err
	}
	resp, err := l.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body) // read to the end, so that the connection is reused
	return err
}

// metrics returns the rates since its last call.
func (l *load) metrics() map[string]float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, ok, bad := time.Now(), l.served.Load(), l.failed.Load()
	seconds := max(now.Sub(l.lastAt).Seconds(), 0.001)
	rates := map[string]float64{
		"rps":    float64(ok-l.lastOK) / seconds,
		"errors": float64(bad-l.lastBad) / seconds,
	}
	l.lastAt, l.lastOK, l.lastBad = now, ok, bad
	return rates
}

func (l *load) close() { l.client.CloseIdleConnections() }
