package driver

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// CloseError says that the server closed the session. Run returns one whose code means stop; the others it only reports
// to Config.OnDisconnect, and reconnects.
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

// HandshakeError says that the request to connect was answered, but not with a socket. Run returns one that trying
// again would not help: a problem document of Swarmcall with a status 4xx, but for 408, 425 and 429. Everything else is
// taken for a proxy, or for another server in the place of one that restarts, and tried again.
type HandshakeError struct {
	Status     int           // HTTP status
	Code       string        // of the problem document, such as "unauthenticated"; empty without one
	Detail     string        // of the problem document, may be empty
	RetryAfter time.Duration // what the server asked for, 0 when it did not
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

// errViolation is in the chain of errors about a server that breaks the protocol.
var errViolation = errors.New("driver: the server violated the protocol")

// actionAfter says what follows a session, or an attempt at one, that ended with err.
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
