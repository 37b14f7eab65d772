package driver

import (
	"context"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

const (
	dialTimeout   = 10 * time.Second
	maxRetryAfter = 5 * time.Minute // a longer Retry-After is treated as a mistake
	maxRedirects  = 3               // a proxy may redirect to https, but not further
)

// dial opens the WebSocket. The error is a *HandshakeError if the server answered without a WebSocket, and a *FileError
// if a file of the Config cannot be used.
func (c *client) dial(ctx context.Context, to server, p *pulse) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	with, err := c.access()
	if err != nil {
		return nil, err
	}
	defer with.release()
	conn, answer, err := websocket.Dial(ctx, to.url, &websocket.DialOptions{ //nolint:bodyclose // Dial has closed it
		HTTPClient:     with.http,
		HTTPHeader:     with.header,
		Subprotocols:   []string{wire.Subprotocol},
		OnPingReceived: func(context.Context, []byte) bool { p.listen(); c.lease.renew(); return true },
		OnPongReceived: func(context.Context, []byte) { p.listen() },
	})
	if err != nil {
		if answer != nil && answer.StatusCode != http.StatusSwitchingProtocols {
			refused := refusal(answer)
			if with.withheld {
				refused.Detail = "the token is not sent to another server, nor from https to http; if the redirect is " +
					"right, set Config.URL to the address that it leads to"
			}
			return nil, refused
		}
		return nil, fmt.Errorf("driver: connect: %w", err)
	}
	if conn.Subprotocol() != wire.Subprotocol {
		_ = conn.CloseNow()
		return nil, &HandshakeError{
			Status: http.StatusSwitchingProtocols, Foreign: foreign(answer),
			Code:   "unsupported_subprotocol",
			Detail: "the server did not choose " + wire.Subprotocol,
		}
	}
	conn.SetReadLimit(wire.MaxFrameBytes)
	return conn, nil
}

// problemType begins the type of every problem document of Swarmcall.
const problemType = "urn:swarmcall:problem:"

// refusal reads an answer without a WebSocket. Only a problem document of Swarmcall comes from the server itself: while
// a server restarts, a proxy answers with pages and statuses of all kinds.
func refusal(answer *http.Response) *HandshakeError {
	e := &HandshakeError{Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header), Foreign: foreign(answer)}
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "application/problem+json" {
		return e
	}
	var problem struct {
		Type   string `json:"type"`
		Code   string `json:"code"`
		Detail string `json:"detail"`
	}
	body, err := io.ReadAll(answer.Body) // the websocket package limits its size
	if err != nil || wire.Decode(body, &problem) != nil || !strings.HasPrefix(problem.Type, problemType) {
		return e
	}
	e.Code, e.Detail, e.Foreign = problem.Code, problem.Detail, ""
	return e
}

// foreign describes what may have answered instead of the server, from the answer's headers: "404 text/html, server:
// nginx".
func foreign(answer *http.Response) string {
	text := strconv.Itoa(answer.StatusCode)
	if kind, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type")); kind != "" {
		text += " " + kind
	}
	if to := answer.Header.Get("Location"); to != "" {
		text += " to " + to
	}
	if name := answer.Header.Get("Server"); name != "" {
		text += ", server: " + name
	}
	const most = 200
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text[:min(len(text), most)])
}

// retryAfter reads the header Retry-After, in seconds or as a date; 0 without a usable one.
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
