package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

const (
	attemptTimeout    = 15 * time.Second
	longestRetryAfter = 15 * time.Minute
	maxAnswerBytes    = 4 << 10 // of an answer that are read
	shownAnswerBytes  = 200     // and that an error shows
)

// errGone says that the endpoint wants no more requests.
var errGone = errors.New("the endpoint answered 410 Gone")

// newTransport returns what requests are sent by, if a test has nothing else.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 1, IdleConnTimeout: time.Minute,
		TLSHandshakeTimeout: attemptTimeout, MaxResponseHeaderBytes: 64 << 10,
	}
}

// attempt posts a message once. It returns nil if the endpoint accepted it; else why not, and how long the endpoint
// asks to be left alone. It uses the transport itself, which follows no redirect and whose errors do not have the URL.
func attempt(ctx context.Context, by http.RoundTripper, h *hook, m message) (retryAfter time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := request(ctx, h, m)
	if err != nil {
		return 0, err
	}
	resp, err := by.RoundTrip(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return 0, fmt.Errorf("the endpoint did not answer within %v", attemptTimeout)
	}
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes)) // the status is the answer
	switch {
	case resp.StatusCode >= 200 && resp.StatusCode < 300:
		return 0, nil
	case resp.StatusCode == http.StatusGone:
		return 0, errGone
	}
	return askedToWait(resp.Header, time.Now()), refusal(resp.StatusCode, said)
}

// request makes the request of one attempt. Its timestamp is that of the attempt, because receivers refuse old ones.
func request(ctx context.Context, h *hook, m message) (*http.Request, error) {
	address := *h.url
	address.User = nil
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(m.body))
	if err != nil {
		return nil, errors.New("its url cannot be used") // err shows the URL
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Swarmcall")
	req.Header.Set("Webhook-Id", m.id)
	req.Header.Set("Webhook-Timestamp", timestamp)
	req.Header.Set("Webhook-Signature", sign(h.secrets, m, timestamp))
	// Without a value this is not sent. It lets the transport repeat a request on a new connection if the endpoint has
	// just closed the idle one, which is no failure of the endpoint.
	req.Header["Idempotency-Key"] = nil
	if user := h.url.User; user != nil {
		password, _ := user.Password()
		req.SetBasicAuth(user.Username(), password)
	}
	return req, nil
}

// refusal describes an answer. What the endpoint says is quoted, because it may be anything.
func refusal(status int, said []byte) error {
	text := fmt.Sprintf("the endpoint answered %d %s", status, http.StatusText(status))
	if status >= 300 && status < 400 {
		text += ", and redirects are not followed: change the url"
	}
	if said = bytes.TrimSpace(said); len(said) > 0 {
		text += fmt.Sprintf(": %q", said[:min(len(said), shownAnswerBytes)])
	}
	return errors.New(text)
}

// askedToWait reads the header Retry-After: seconds, or a time.
func askedToWait(h http.Header, now time.Time) (d time.Duration) {
	value := h.Get("Retry-After")
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), longestRetryAfter)
}
