package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	attemptLimit = 70 * time.Second       // of one request: the longest wait of the server is 60 s
	backOffBase  = 200 * time.Millisecond // the first wait between two tries
	backOffCap   = 5 * time.Second
	grace        = 2 * time.Second // for a command that is under way when the user interrupts
)

// doer sends requests, and sends them again when that is safe and promises something. Bodies of answers are read here, so that a
// connection lost in the midst of one counts as lost.
type doer struct {
	http     *http.Client
	header   http.Header
	patience Patience
	trace    io.Writer
	retries  atomic.Int64 // how often it has tried again: who looks can tell that the server was away
}

// Do implements the generated client's HttpRequestDoer.
func (d *doer) Do(req *http.Request) (*http.Response, error) {
	for name, values := range d.header {
		req.Header[name] = values
	}
	began := time.Now()
	for attempt := 0; ; attempt++ {
		resp, err := d.once(req)
		why, wait := worthRetrying(req, resp, err, attempt)
		if why == "" || req.Context().Err() != nil || time.Since(began)+wait > d.patience.For {
			return resp, err
		}
		if d.patience.Note != nil {
			d.patience.Note(why, wait)
		}
		d.retries.Add(1)
		if !Sleep(req.Context(), wait) {
			return resp, err
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
}

// once sends req and reads the answer whole. A command that is under way when the context ends gets a moment to be answered: only
// then is it known whether it was issued.
func (d *doer) once(req *http.Request) (*http.Response, error) {
	parent := req.Context()
	ctx, cancel := context.WithTimeout(parent, attemptLimit)
	if req.Method == http.MethodPost {
		ctx, cancel = context.WithTimeout(context.WithoutCancel(parent), attemptLimit)
		stop := context.AfterFunc(parent, func() { Sleep(ctx, grace); cancel() })
		defer stop()
	}
	defer cancel()
	began := time.Now()
	resp, err := d.http.Do(req.Clone(ctx)) //nolint:gosec // the address is the user's own choice
	if err != nil {
		d.tracef("%s %s → %v (%v)\n", req.Method, req.URL, err, time.Since(began).Round(time.Microsecond))
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the answer is over %d MiB", maxBody>>20)
	}
	d.tracef("%s %s → %s, %d bytes (%v)\n", req.Method, req.URL, resp.Status, len(body), time.Since(began).Round(time.Microsecond))
	if err != nil {
		return nil, err
	}
	return inMemory(resp, body), nil
}

func (d *doer) tracef(format string, args ...any) {
	if d.trace != nil {
		_, _ = fmt.Fprintf(d.trace, "http: "+format, args...)
	}
}

// worthRetrying says why req should be sent again, and when; "" if it should not.
func worthRetrying(req *http.Request, resp *http.Response, err error, attempt int) (why string, wait time.Duration) {
	if req.Method != http.MethodGet && req.Header.Get("Idempotency-Key") == "" {
		return "", 0
	}
	wait = backOff(attempt)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return "", 0
		}
		return cause(err).Error(), wait
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if s, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && s >= 0 {
			wait = max(wait, time.Duration(s)*time.Second)
		}
		return "the server says " + resp.Status, wait
	}
	return "", 0
}

// backOff doubles from base to cap, with half of it left to chance so that many pipelines do not come back at once.
func backOff(attempt int) time.Duration {
	d := backOffCap
	if attempt < 5 {
		d = min(d, backOffBase<<attempt)
	}
	return d/2 + rand.N(d/2) //nolint:gosec // jitter needs no secret
}

// Sleep waits for d. It returns false when ctx ends before that.
func Sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
