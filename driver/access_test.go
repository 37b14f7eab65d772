package driver

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// canary is in each token of these tests. It must not be in any log or error.
const canary = "canary"

// cage is a log that fails the test if the canary appears in it.
type cage struct{ t *testing.T }

func (c cage) Write(line []byte) (int, error) {
	if strings.Contains(string(line), canary) {
		c.t.Errorf("a token is in the log: %s", line)
	}
	return len(line), nil
}

func caged(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(cage{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// file writes a file of the test, and returns its path.
func file(t *testing.T, path, content string) string {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "file")
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// withToken returns a Config for a fake server, whose name is not that of this machine.
func withToken(t *testing.T, path string) Config {
	return Config{TokenFile: path, InsecureToken: true, Logger: caged(t)}
}

// refuseWith answers requests to connect with problems, one after the other, until there are no more.
func refuseWith(problems ...string) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		if len(problems) == 0 {
			return false
		}
		code := problems[0]
		problems = problems[1:]
		status := map[string]int{"unauthenticated": 401, "token_expired": 401, "forbidden": 403}[code]
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `{"type":"urn:swarmcall:problem:%s","code":%q,"detail":"the reason"}`, code, code)
		return true
	}
}

func TestReadToken(t *testing.T) {
	for name, c := range map[string]struct{ content, want, err string }{
		"plain":        {"swc_canary", "swc_canary", ""},
		"white space":  {" \tswc_canary\r\n\n", "swc_canary", ""},
		"the longest":  {strings.Repeat("c", maxTokenBytes-1) + "\n", strings.Repeat("c", maxTokenBytes-1), ""},
		"too long":     {strings.Repeat(canary, maxTokenBytes/len(canary)+1), "", "larger than 8 KiB"},
		"empty":        {"", "", "is empty"},
		"blank":        {" \n\n", "", "is empty"},
		"two lines":    {"canary\ncanary\n", "", "more than one line"},
		"a header":     {"canary\r\nX-Other: canary", "", "more than one line"},
		"a blank":      {"canary canary", "", "a token cannot have"},
		"control":      {"canary\x00", "", "a token cannot have"},
		"not ASCII":    {"canaryé", "", "a token cannot have"},
		"not UTF-8":    {"canary\xff", "", "a token cannot have"},
		"a byte order": {"\ufeffcanary", "", "a token cannot have"},
	} {
		path := file(t, "", c.content)
		got, err := readToken(path)
		if got != c.want || (err == nil) != (c.err == "") {
			t.Errorf("%s: %q, %v", name, got, err)
		}
		if err != nil && (!strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.err) ||
			strings.Contains(err.Error(), canary)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readToken(t.TempDir()); err == nil {
		t.Error("a directory is taken")
	}
}

// TestTokenNeedsEncryption: the error comes before anything is read or sent.
func TestTokenNeedsEncryption(t *testing.T) {
	proxied := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: "http", Host: "p:1"})}}
	direct := &http.Client{Transport: &http.Transport{}}
	for _, c := range []struct {
		url    string
		client *http.Client
		ok     bool
	}{
		{"https://load.example", direct, true},
		{"wss://load.example", direct, true},
		{"https://load.example", proxied, true},
		{"http://127.0.0.1:8080", direct, true},
		{"ws://127.9.9.9", direct, true},
		{"http://[::1]:8080", direct, true},
		{"http://[::ffff:127.0.0.1]", direct, true},
		{"ws://LocalHost.:8080", direct, true},
		{"http://127.0.0.1:8080", proxied, false},
		{"http://load.example", direct, false},
		{"ws://10.0.0.1", direct, false},
		{"http://0.0.0.0", direct, false},
		{"ws://localhost.example", direct, false},
		{"ws://127.0.0.1.example", direct, false},
		{"ws://127.1", direct, false},
		{"http://127.0.0.1@load.example", direct, false},
	} {
		cfg := Config{URL: c.url, DriverID: "d-1", TokenFile: "/none", HTTPClient: c.client}
		_, err := newClient(cfg, &recorder{})
		if (err == nil) != c.ok || errors.Is(err, ErrInsecureToken) == c.ok {
			t.Errorf("%s: %v", c.url, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "Config.TokenFile") ||
			!strings.Contains(err.Error(), "set Config.InsecureToken")) {
			t.Errorf("%s: %v does not name the field and the fix", c.url, err)
		}
		cfg.InsecureToken = true
		if _, err := newClient(cfg, &recorder{}); err != nil {
			t.Errorf("%s, allowed: %v", c.url, err)
		}
	}
}

type strangeTransport struct{}

func (strangeTransport) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.ErrUnsupported
}

func TestAccessFieldsThatContradict(t *testing.T) {
	dialer := &http.Transport{DialTLSContext: new(net.Dialer).DialContext}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"two credentials": {Config{TokenFile: "/t", Header: http.Header{"Authorization": {"Basic x"}}},
			"Config.TokenFile: Config.Header has Authorization"},
		"a strange transport": {Config{CAFile: "/c", HTTPClient: &http.Client{Transport: strangeTransport{}}},
			"Config.CAFile: the transport of Config.HTTPClient must be"},
		"its own TLS": {Config{CAFile: "/c", HTTPClient: &http.Client{Transport: dialer}},
			"Config.CAFile: has no effect"},
	} {
		c.cfg.URL, c.cfg.DriverID = "https://h", "d"
		if err := c.cfg.validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// TestTokenIsReadAtEveryConnect: after a drain, the driver presents the token that is in its file then.
func TestTokenIsReadAtEveryConnect(t *testing.T) {
	path := file(t, "", "swc_canary_1\n")
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(withToken(t, path), &recorder{})
		p, _ := server.welcome()
		if got := p.request.Header.Get("Authorization"); got != "Bearer swc_canary_1" {
			t.Errorf("first presented %q", got)
		}
		p.send(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: 1000})
		file(t, path, "swc_canary_2")
		p.close(wire.CloseDrain)
		p, _ = server.welcome()
		if got := p.request.Header.Get("Authorization"); got != "Bearer swc_canary_2" {
			t.Errorf("after the drain it presented %q", got)
		}
	})
}

// TestExpiredToken: with a token file, an expired token is tried again at the usual pace, whatever is in the file
// meanwhile, and the load halts when the lease is lost.
func TestExpiredToken(t *testing.T) {
	path := file(t, "", "swc_canary_1")
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		handler := &recorder{}
		server.drive(withToken(t, path), handler)
		p, _ := server.welcome()
		p.command(1, players(5))
		p.applied(1)
		server.refuse = func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Authorization") == "Bearer swc_canary_2" {
				return false
			}
			return refuseWith("token_expired")(w, r)
		}
		start := time.Now()
		_ = p.conn.CloseNow()
		<-time.After(90 * time.Second) // the lease of a minute is lost
		if seen := handler.commands(); len(seen) != 2 || seen[1].Origin != FromLease {
			t.Errorf("the handler got %+v, want a stop by the lease", seen)
		}
		file(t, path, "") // as a writer leaves it for a moment
		<-time.After(time.Minute)
		file(t, path, "swc_canary_2")
		_, register := server.welcome()
		if !register.LeaseLost || time.Since(start) > 150*time.Second+wire.ReconnectCap {
			t.Errorf("back after %v with %+v", time.Since(start), register)
		}
	})
}

// TestRefusedCredentials lists what is final.
func TestRefusedCredentials(t *testing.T) {
	path := file(t, "", "swc_canary")
	bare := func(t *testing.T) Config { return Config{Logger: caged(t)} }
	token := func(t *testing.T) Config { return withToken(t, path) }
	for name, c := range map[string]struct {
		cfg    func(*testing.T) Config
		answer string
		final  bool
	}{
		"expired, no token file":        {bare, "token_expired", true},
		"unauthenticated":               {token, "unauthenticated", true},
		"unauthenticated without token": {bare, "unauthenticated", true},
		"forbidden":                     {token, "forbidden", true},
		"expired":                       {token, "token_expired", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t)
				server.refuse = refuseWith(c.answer)
				start := time.Now()
				d := server.drive(c.cfg(t), &recorder{})
				if !c.final {
					server.welcome()
					if waited := time.Since(start); waited != wire.ReconnectBase {
						t.Errorf("back after %v", waited)
					}
					return
				}
				err, ok := errors.AsType[*HandshakeError](d.result())
				if !ok || err.Code != c.answer || strings.Contains(err.Error(), canary) {
					t.Errorf("Run = %v", err)
				}
			})
		})
	}
}

// TestRefusedAfterTheRegister: 4001 and 4003 are final, and the error has the reason of the error frame, even if the
// driver was never registered.
func TestRefusedAfterTheRegister(t *testing.T) {
	for _, code := range []wire.CloseCode{wire.CloseCredential, wire.CloseNotYours} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			d := server.drive(Config{}, &recorder{})
			p := server.connection()
			expect[wire.Register](p, wire.TypeRegister)
			p.send(wire.Error{Type: wire.TypeError, Code: "forbidden", Detail: "it covers eu-*"})
			p.close(code)
			err, ok := errors.AsType[*CloseError](d.result())
			if !ok || err.Code != code || err.ErrorDetail != "it covers eu-*" ||
				!strings.Contains(err.Error(), "the credential") || !strings.Contains(err.Error(), "it covers eu-*") {
				t.Errorf("Run = %v, want %d with the reason", err, code)
			}
		})
	}
}

// TestUnusableFiles: at the first connect they are final; nothing is sent.
func TestUnusableFiles(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing")
	good := file(t, "", "swc_canary")
	for field, cfg := range map[string]Config{
		"TokenFile":  {TokenFile: missing, InsecureToken: true},
		"CAFile":     {CAFile: missing},
		"TokenFile ": {TokenFile: file(t, "", "canary canary"), InsecureToken: true},
		"CAFile ":    {TokenFile: good, InsecureToken: true, CAFile: good},
	} {
		field, unreadable := strings.TrimSpace(field), !strings.HasSuffix(field, " ")
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			server.refuse = func(http.ResponseWriter, *http.Request) bool { t.Error("connected"); return false }
			cfg.Logger = caged(t)
			end := server.drive(cfg, &recorder{}).result()
			err, ok := errors.AsType[*FileError](end)
			if !ok || err.Field != field || errors.Is(err, fs.ErrNotExist) != unreadable ||
				strings.Contains(err.Error(), canary) || !strings.HasPrefix(err.Error(), "driver: Config."+field+": ") {
				t.Errorf("Run = %v, want an error about %s", end, field)
			}
		})
	}
}
