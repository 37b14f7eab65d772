package driver

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestActionAfter(t *testing.T) {
	for _, c := range []struct {
		err  error
		want wire.Action
	}{
		{errors.New("dial tcp: connection refused"), wire.Reconnect},
		{fmt.Errorf("wrapped: %w", &CloseError{Code: wire.CloseSuperseded}), wire.Stop},
		{&CloseError{Code: wire.CloseDrain}, wire.Reconnect},
		{&CloseError{Code: wire.CloseTooFast}, wire.BackOff},
		{&CloseError{Code: 1005}, wire.Reconnect},
		{&CloseError{Code: 1008}, wire.BackOff},
		{fmt.Errorf("%w: binary", errViolation), wire.BackOff},
		{fmt.Errorf("read: %w", websocket.ErrMessageTooBig), wire.BackOff},
		{&HandshakeError{Status: 101, Foreign: "101"}, wire.Reconnect},
		{&HandshakeError{Status: 200}, wire.Reconnect},
		{&HandshakeError{Status: 400}, wire.Stop},
		{&HandshakeError{Status: 401}, wire.Stop},
		{&HandshakeError{Status: 403}, wire.Stop},
		{&HandshakeError{Status: 404}, wire.Stop},
		{&HandshakeError{Status: 404, Foreign: "404 text/html"}, wire.Reconnect},
		{&HandshakeError{Status: 408}, wire.Reconnect},
		{&HandshakeError{Status: 425}, wire.Reconnect},
		{&HandshakeError{Status: 429}, wire.Reconnect},
		{&HandshakeError{Status: 500}, wire.Reconnect},
		{&HandshakeError{Status: 503}, wire.Reconnect},
	} {
		if got := actionAfter(c.err); got != c.want {
			t.Errorf("after %v: action %d, want %d", c.err, got, c.want)
		}
	}
}

func TestRefusal(t *testing.T) {
	const problem = `{"type":"urn:swarmcall:problem:forbidden","status":403,"code":"forbidden","detail":"not yours","request_id":"r-1"}`
	for _, c := range []struct{ name, kind, body, code string }{
		{"problem", "application/problem+json", problem, "forbidden"},
		{"problem with a charset", "application/problem+json; charset=utf-8", problem, "forbidden"},
		{"another kind", "text/html", problem, ""},
		{"another's problem", "application/problem+json", strings.ReplaceAll(problem, "urn:swarmcall:", "urn:other:"),
			""},
		{"cut short", "application/problem+json", problem[:40], ""},
		{"no object", "application/problem+json", `"forbidden"`, ""},
	} {
		answer := &http.Response{StatusCode: 403, Header: http.Header{"Content-Type": {c.kind}},
			Body: io.NopCloser(strings.NewReader(c.body))}
		if got := refusal(answer); got.Status != 403 || got.Code != c.code || (got.Foreign == "") != (c.code != "") {
			t.Errorf("%s: %+v, want code %q", c.name, got, c.code)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // for a clock that stands still
		for v, want := range map[string]time.Duration{
			"": 0, "7": 7 * time.Second, "0": 0, "-7": 0, "soon": 0, "1.5": 0, "99999999999": 0, "86400": maxRetryAfter,
			time.Now().UTC().Add(9 * time.Second).Format(http.TimeFormat):  9 * time.Second,
			time.Now().UTC().Add(-9 * time.Second).Format(http.TimeFormat): 0,
		} {
			if got := retryAfter(http.Header{"Retry-After": {v}}); got != want {
				t.Errorf("Retry-After %q: %v, want %v", v, got, want)
			}
		}
	})
}

func TestErrorTexts(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&CloseError{Code: 4002},
			`driver: the server closed the session: 4002 another session registered this driver id`},
		{&CloseError{1011, "oops", "bad_id", "no \x1b"},
			`driver: the server closed the session: 1011 the server had an internal error ("oops"); ` +
				`last error: bad_id: "no \x1b"`},
		{&HandshakeError{Status: 503},
			`driver: the server refused the connection: 503 Service Unavailable`},
		{&HandshakeError{Status: 404, Foreign: "404 text/html, server: nginx"},
			`driver: the answer is not from Swarmcall: a proxy or another server answered ` +
				`404 text/html, server: nginx`},
		{&HandshakeError{Status: 403, Code: "forbidden", Detail: "not yours"},
			`driver: the server refused the connection: 403 Forbidden; forbidden: "not yours"`},
	} {
		if c.err.Error() != c.want {
			t.Errorf("got  %s\nwant %s", c.err, c.want)
		}
	}
}
