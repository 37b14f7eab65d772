package driver

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

const (
	dialTimeout   = 10 * time.Second
	maxRetryAfter = 5 * time.Minute // a longer Retry-After is taken for a mistake
)

// dial opens the WebSocket. The error is a *HandshakeError when the server answered, but not with a socket.
func (c *client) dial(ctx context.Context, p *pulse) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	conn, answer, err := websocket.Dial(ctx, c.url, &websocket.DialOptions{ //nolint:bodyclose // Dial has closed it
		HTTPClient:     c.cfg.HTTPClient,
		HTTPHeader:     c.cfg.Header.Clone(),
		Subprotocols:   []string{wire.Subprotocol},
		OnPingReceived: func(context.Context, []byte) bool { p.listen(); c.lease.renew(); return true },
		OnPongReceived: func(context.Context, []byte) { p.listen() },
	})
	if err != nil {
		if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
			return nil, refusal(answer)
		}
		return nil, fmt.Errorf("driver: connect: %w", err)
	}
	if conn.Subprotocol() != wire.Subprotocol {
		_ = conn.CloseNow()
		return nil, &HandshakeError{
			Status: http.StatusSwitchingProtocols,
			Code:   "unsupported_subprotocol",
			Detail: "the server did not choose " + wire.Subprotocol,
		}
	}
	conn.SetReadLimit(wire.MaxFrameBytes)
	return conn, nil
}

// refusal reads what the server answered in place of a socket.
func refusal(answer *http.Response) *HandshakeError {
	e := &HandshakeError{Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header)}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/problem+json" {
		return e
	}
	var problem struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	// The websocket package has bounded the body. A document that cannot be read leaves the status to tell the story.
	if body, err := io.ReadAll(answer.Body); err == nil && wire.Decode(body, &problem) == nil {
		e.Code, e.Detail = problem.Code, problem.Detail
	}
	return e
}

// retryAfter reads the header of that name, in seconds or as a date; 0 without a usable one.
func retryAfter(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	var d time.Duration
	if seconds, err := strconv.ParseUint(v, 10, 32); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), maxRetryAfter)
}
