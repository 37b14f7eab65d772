package remote_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestProxyIsNamed: errors and the trace name the proxy without its password, but not if the server itself has refused.
func TestProxyIsNamed(t *testing.T) {
	refusal := `{"type":"urn:swarmcall:problem:log_unavailable","title":"t","status":503,"code":"log_unavailable","detail":"d","request_id":"r"}`
	for _, c := range []struct {
		status int
		body   string
		named  bool
	}{
		{http.StatusForbidden, "<html>denied by policy</html>", true}, {http.StatusProxyAuthRequired, "", true},
		{http.StatusBadGateway, "no route", true},
		{http.StatusServiceUnavailable, refusal, false},
	} {
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.body == refusal {
				w.Header().Set("Content-Type", "application/problem+json")
			}
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		err, trace := throughProxy(t, proxy.URL)
		proxy.Close()
		name := "through the proxy http://me:xxxxx@" + strings.TrimPrefix(proxy.URL, "http://")
		if strings.Contains(err, name) != c.named {
			t.Errorf("%d: %s", c.status, err)
		}
		if !strings.Contains(trace, name) || strings.Contains(trace+err, "secret") {
			t.Errorf("%d: the trace is %s", c.status, trace)
		}
		err, trace = throughProxy(t, proxy.URL) // it is closed now
		if !strings.Contains(err, name) || !strings.Contains(err, "NO_PROXY") || !strings.Contains(trace, name) ||
			strings.Contains(trace+err, "secret") {
			t.Errorf("a proxy that is not there: %s; %s", err, trace)
		}
	}
}

func throughProxy(t *testing.T, proxy string) (failure, trace string) {
	t.Helper()
	at, err := url.Parse(proxy)
	if err != nil {
		t.Fatal(err)
	}
	at.User = url.UserPassword("me", "secret")
	var lines bytes.Buffer
	c, err := remote.Dial(remote.Config{
		URL: "http://load.example.com", From: "--url", Trace: &lines, Proxy: http.ProxyURL(at),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	if _, err = c.ServerVersion(t.Context()); err == nil {
		t.Fatal("no error")
	}
	e, _ := errors.AsType[*clierr.Error](err)
	return e.What + ": " + err.Error() + "; " + e.Hint, lines.String()
}

// TestHintsFollowTheCode: only a refused credential leads to a hint about credentials.
func TestHintsFollowTheCode(t *testing.T) {
	for code, c := range map[string]struct {
		status int
		exit   clierr.Code
		hint   string
	}{
		"host_not_allowed": {403, clierr.Auth, "--allowed-hosts"}, "origin_not_allowed": {403, clierr.Auth, "Origin"},
		"unsupported_subprotocol": {400, clierr.Failed, "versions"},
		"not_found":               {404, clierr.Failed, "swarmcall commands list"},
		"method_not_allowed":      {405, clierr.Failed, "older"}, "forbidden": {403, clierr.Auth, "--token-file"},
		"unauthenticated": {401, clierr.Auth, "--token-file"},
	} {
		server := httptest.NewServer(refusal(c.status, code))
		checkHint(t, server.URL, code, c.exit, c.hint)
		server.Close()
	}
	for status, hint := range map[int]string{401: "not from Swarmcall", 403: "not from Swarmcall",
		404: "is a path missing"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter,
			_ *http.Request) {
			http.Error(w, "<html>", status)
		}))
		checkHint(t, server.URL, http.StatusText(status), clierr.Unreachable, hint)
		server.Close()
	}
}

func refusal(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"type":"urn:swarmcall:problem:` + code + `","code":"` + code +
			`","title":"t","detail":"d","request_id":"r"}`))
	}
}

func checkHint(t *testing.T, at, code string, exit clierr.Code, hint string) {
	t.Helper()
	c, err := remote.Dial(remote.Config{URL: at, From: "--url"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	_, err = c.ServerVersion(t.Context())
	e, ok := errors.AsType[*clierr.Error](err)
	if !ok || e.Code != exit || !strings.Contains(e.Hint, hint) ||
		(strings.Contains(e.Hint, "token") != strings.Contains(hint, "token")) {
		t.Errorf("%s: exit code %d, %v; the hint is %q", code, clierr.CodeOf(err), err, e.Hint)
	}
}
