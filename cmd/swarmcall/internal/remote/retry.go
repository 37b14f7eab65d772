package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	answerLimit = 10 * time.Second       // of one request that the server answers at once
	longestWait = time.Minute            // of the server, for a command whose answer includes the outcome
	quietLimit  = 2 * time.Second        // time without an answer before a message is printed
	backOffBase = 200 * time.Millisecond // the first wait between two tries
	backOffCap  = 5 * time.Second
	grace       = 2 * time.Second // for a command in progress when the user interrupts
)

// maxBody limits how much of an answer is read.
const maxBody = 32 << 20

// doer sends requests, and retries them, at the same or another server, if that is safe and may help. It reads the
// bodies of answers itself, so that a connection lost in the middle of a body counts as a failure.
type doer struct {
	http     *http.Client
	header   http.Header
	patience Patience
	trace    io.Writer
	proxy    proxyFor
	quiet    func()       // called when an answer is late; may be nil
	retries  atomic.Int64 // number of retries: callers can detect that the server was unavailable
	servers  *servers
}

// Do implements the generated client's HttpRequestDoer.
func (d *doer) Do(req *http.Request) (*http.Response, error) {
	resp, _, err := d.send(req, d.once, d.patience)
	return resp, err
}

// send sends req, which is made for the first server, to the servers until one answers. Each is tried once without a
// wait, and then again while patience lasts. The time for that counts from the first failure: a request may have waited
// for long before the server became unavailable.
func (d *doer) send(
	req *http.Request, once func(*http.Request) (*http.Response, error), patience Patience,
) (*http.Response, *tour, error) {
	for name, values := range d.header {
		req.Header[name] = values
	}
	t := d.servers.tour()
	var failed time.Time
	for {
		resp, why, wait, err := d.try(req, once, t)
		if why == "" {
			return resp, t, t.final(err)
		}
		if failed.IsZero() {
			failed = failedAt(err, waitOf(req))
		}
		said := t.explained(why)
		t.failed(why, wait, wait == never || d.hopeless(t.all[t.at], err))
		wait, ok := t.next(err == nil && resp.StatusCode == http.StatusTooManyRequests, patience.For-time.Since(failed))
		if !ok || req.Context().Err() != nil {
			return nil, t, t.ended(resp, err)
		}
		if patience.Note != nil {
			patience.Note(said, wait)
		}
		d.retries.Add(1)
		if !Sleep(req.Context(), wait) {
			return nil, t, t.ended(resp, err)
		}
	}
}

// never is the wait before the next try at a server that must not get the request again.
const never = -1

// try sends req to the present server of the tour. It returns why to try again, and how long to wait before the same
// server is tried; "" if the result is final.
func (d *doer) try(
	req *http.Request, once func(*http.Request) (*http.Response, error), t *tour,
) (resp *http.Response, why string, wait time.Duration, err error) {
	if req.GetBody != nil {
		if req.Body, err = req.GetBody(); err != nil {
			return nil, "", 0, err
		}
	}
	aimed, err := t.aim(req)
	if err != nil {
		return nil, "", 0, err
	}
	resp, err = once(aimed)
	if err == nil {
		t.all[t.at].answered.Store(true)
	}
	why, wait = worthRetrying(req, resp, err, t.stops[t.at].tries)
	if why == "" && unsent(err) && t.several() {
		return resp, cause(err).Error(), never, err
	}
	if why == "" && err == nil {
		t.keep(t.at)
	}
	return resp, why, wait, err
}

// once sends req and reads the whole answer. A command that is in progress when the context ends gets a short time for
// its answer: only the answer tells whether it was issued.
func (d *doer) once(req *http.Request) (*http.Response, error) {
	asked := waitOf(req)
	ctx, cancel := tryContext(req, asked+answerLimit)
	defer cancel()
	defer d.watch(asked)()
	began := time.Now()
	resp, err := d.http.Do(req.Clone(ctx))
	if err != nil {
		d.tracef("%s %s → %v (%v)\n", req.Method, d.where(req), err, time.Since(began).Round(time.Microsecond))
		return nil, silence(err, began)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = fmt.Errorf("the answer is over %d MiB", maxBody>>20)
	}
	d.tracef("%s %s → %s, %d bytes (%v)\n", req.Method, d.where(req), resp.Status, len(body),
		time.Since(began).Round(time.Microsecond))
	if err != nil {
		return nil, silence(err, began)
	}
	if err := foreign(req, resp, body); err != nil {
		return nil, err
	}
	return inMemory(resp, body), nil
}

// failedAt returns when a request failed: for a request without an answer, when the answer was due.
func failedAt(err error, asked time.Duration) time.Time {
	if s, ok := errors.AsType[silent](err); ok {
		return time.Now().Add(min(asked-s.after, 0))
	}
	return time.Now()
}

// tryContext limits one try. After a user's interruption a command still has the grace time; after a timeout it has
// not.
func tryContext(req *http.Request, limit time.Duration) (context.Context, context.CancelFunc) {
	parent := req.Context()
	if req.Method != http.MethodPost {
		return context.WithTimeout(parent, limit)
	}
	end := time.Now().Add(limit)
	if d, limited := parent.Deadline(); limited && d.Before(end) {
		end = d
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(parent), end)
	stop := context.AfterFunc(parent, func() {
		if errors.Is(parent.Err(), context.Canceled) {
			Sleep(ctx, grace)
			cancel()
		}
	})
	return ctx, func() { stop(); cancel() }
}

// waitOf returns how long a request asks the server to wait before it answers.
func waitOf(req *http.Request) time.Duration {
	if req.Method == http.MethodPost {
		if strings.Contains(req.Header.Get("Prefer"), "respond-async") {
			return 0
		}
		return longestWait
	}
	ms, err := strconv.ParseInt(req.URL.Query().Get("wait_ms"), 10, 32)
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// watch calls quiet if there is no answer in time, until the returned function is called, once.
func (d *doer) watch(asked time.Duration) (stop func()) {
	if d.quiet == nil {
		return func() {}
	}
	told := make(chan struct{})
	t := time.AfterFunc(asked+quietLimit, func() {
		defer close(told)
		d.quiet()
	})
	return func() {
		if !t.Stop() {
			<-told // the message must not appear after the answer
		}
	}
}

// silence replaces "context deadline exceeded" by an error with the time waited.
func silence(err error, began time.Time) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return silent{time.Since(began)}
	}
	return err
}

// NoAnswer reports whether err is that of a server that accepted a request and did not answer: it may have carried it
// out.
func NoAnswer(err error) bool {
	_, ok := errors.AsType[silent](err)
	return ok
}

// silent is the error of a server that may have accepted a request, and does not answer it.
type silent struct{ after time.Duration }

func (s silent) Error() string {
	return fmt.Sprintf("no answer in %v", s.after.Round(100*time.Millisecond))
}

func (d *doer) tracef(format string, args ...any) {
	if d.trace != nil {
		_, _ = io.WriteString(d.trace, swarm.MaskSecrets(fmt.Sprintf("http: "+format, args...)))
	}
}

// worthRetrying returns why req should be sent again, and when; "" if it should not.
func worthRetrying(req *http.Request, resp *http.Response, err error, attempt int) (why string, wait time.Duration) {
	read := req.Method == http.MethodGet || req.Context().Value(repeatable{}) != nil
	if !read && req.Header.Get("Idempotency-Key") == "" {
		return "", 0
	}
	wait = backOff(attempt)
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return "", 0
		}
		if f, ok := errors.AsType[foreignAnswer](err); ok {
			wait = max(wait, f.wait)
		}
		return cause(err).Error(), wait
	}
	switch resp.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return "the server answered " + resp.Status, max(wait, retryAfter(resp.Header))
	}
	return "", 0
}

// retryAfter returns the wait that an answer asks for.
func retryAfter(h http.Header) time.Duration {
	if s, err := strconv.Atoi(h.Get("Retry-After")); err == nil && s >= 0 {
		return time.Duration(s) * time.Second
	}
	return 0
}

// backOff doubles from base to cap. Half of it is random, so that many pipelines do not retry at the same time.
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
