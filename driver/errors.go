package driver

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// CloseError reports that the server closed the session. Run returns it for a close code that means stop. For other
// codes it only passes the error to Config.OnDisconnect, and reconnects.
type CloseError struct {
	Code        wire.CloseCode
	Reason      string // the server's words, may be empty
	ErrorCode   string // of the last error frame of the session, if there was one
	ErrorDetail string
}

func (e *CloseError) Error() string {
	s := fmt.Sprintf("driver: the server closed the session: %d %s", e.Code, e.Code.Text())
	if e.Reason != "" {
		s += fmt.Sprintf(" (%q)", e.Reason)
	}
	if e.ErrorCode != "" {
		s += fmt.Sprintf("; last error: %s: %q", e.ErrorCode, e.ErrorDetail)
	}
	return s
}

// HandshakeError reports that the request to connect was answered without a WebSocket. Run returns it if a retry would
// not help: a problem document of Swarmcall with a status 4xx, except 408, 425 and 429, and except 401 with the code
// "token_expired" while Config.TokenFile is set, because another token may soon be in the file. Any other answer is
// attributed to a proxy, or to another server while Swarmcall restarts, and Run retries.
type HandshakeError struct {
	Status     int           // HTTP status
	Code       string        // of the problem document, such as "unauthenticated"; empty without one
	Detail     string        // of the problem document, may be empty
	RetryAfter time.Duration // the wait that the server asked for; 0 if none
	Foreign    string        // what answered, if it was not Swarmcall: "404 text/html, server: nginx"
}

func (e *HandshakeError) Error() string {
	if e.Foreign != "" {
		s := fmt.Sprintf("driver: the answer is not from Swarmcall: a proxy or another server answered %s", e.Foreign)
		if e.Detail != "" {
			s += "; " + e.Detail
		}
		return s
	}
	s := fmt.Sprintf("driver: the server refused the connection: %d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s += fmt.Sprintf("; %s: %q", e.Code, e.Detail)
	}
	return s
}

// expired reports whether the server refused the token because it has expired.
func (e *HandshakeError) expired() bool {
	return e.Status == http.StatusUnauthorized && e.Code == "token_expired" && e.Foreign == ""
}

func (e *HandshakeError) action() wire.Action {
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return wire.Reconnect
	}
	if e.Foreign == "" && 400 <= e.Status && e.Status < 500 {
		return wire.Stop
	}
	return wire.Reconnect
}

// errViolation is in the chain of errors about a server that violates the protocol.
var errViolation = errors.New("driver: the server violated the protocol")

// actionAfter returns the action after a session, or an attempt at one, that ended with err.
func actionAfter(err error) wire.Action {
	if e, ok := errors.AsType[*CloseError](err); ok {
		return e.Code.Action()
	}
	if e, ok := errors.AsType[*HandshakeError](err); ok {
		return e.action()
	}
	if errors.Is(err, errViolation) || errors.Is(err, websocket.ErrMessageTooBig) {
		return wire.BackOff
	}
	return wire.Reconnect
}
