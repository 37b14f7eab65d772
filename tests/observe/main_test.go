// Package observe checks what the server says about itself with the programs that read it: Prometheus and its promtool.
package observe

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is a timeout that only a hang reaches.
const patience = time.Minute

// plain sends each request by a connection of its own, which nothing needs to close.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// root is the repository.
const root = "../.."

func program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testenv.SkipOrFail(t, "%s is needed: apt-get install prometheus", name)
	}
	return path
}

// promtool runs promtool, with input, and returns what it says.
func promtool(t testing.TB, input string, args ...string) (said string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "promtool"), args...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// server is the real server with an address for operators.
type server struct {
	*servertest.Server
	t   testing.TB
	ops string // URL of --ops-listen
}

func start(t testing.TB) *server {
	t.Helper()
	cfg := servertest.Config(t)
	cfg.StaleAfter, cfg.ForgetAfter, cfg.OpsListen = time.Hour, time.Hour, freePort(t) // light drivers are silent
	return &server{servertest.Start(t, cfg), t, "http://" + cfg.OpsListen}
}

// startSecured is start with TLS, authentication and a webhook that nobody answers. It returns the file of the CA, and that of an administrator's token.
func startSecured(t testing.TB) (s *server, client *http.Client, caFile, tokenFile string) {
	t.Helper()
	dir := t.TempDir()
	secret, hash := token()
	rows := fmt.Sprintf("tokens:\n  - {name: ops, hash: [%q], role: admin}\n", hash)
	cfg, ca := servertest.Config(t), certtest.New(t)
	cfg.AuthFile, tokenFile, caFile = write(t, dir, "auth.yaml", rows), write(t, dir, "token", secret),
		write(t, dir, "ca.pem", string(ca.PEM))
	cfg.WebhooksFile = write(t, dir, "webhooks.yaml", "webhooks: [{name: dead, url: 'http://127.0.0.1:1/', secret: "+
		"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]\n")
	cfg.TLSCert, cfg.TLSKey = ca.Issue(certtest.Leaf{Name: "server"}).Write(t, dir)
	cfg.OpsListen = freePort(t)
	s = &server{servertest.Start(t, cfg), t, "http://" + cfg.OpsListen}
	client = trusting(ca, secret)
	t.Cleanup(client.CloseIdleConnections)
	return s, client, caFile, tokenFile
}

func token() (secret, hash string) {
	secret, _ = authfile.NewSecret()
	sum := authfile.Hash(secret)
	return secret, "sha256:" + hex.EncodeToString(sum[:])
}

func write(t testing.TB, dir, name, text string) (path string) {
	t.Helper()
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// freePort returns an address that was free a moment ago.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// join connects light drivers, which ack at once, until the test ends.
func (s *server) join(ids ...string) {
	s.t.Helper()
	for _, id := range ids {
		d, err := light.Dial(s.t.Context(), s.Config.Listen, id)
		if err != nil {
			s.t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			d.Serve(nil)
		}()
		s.t.Cleanup(func() {
			d.Close()
			<-done
		})
	}
}

// ask sends a request, and returns the status and the body.
func ask(t testing.TB, c *http.Client, method, url, body string, headers ...string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// command issues a command and expects its status.
func command(t testing.TB, c *http.Client, url, body string, want int) {
	t.Helper()
	if status, text := ask(t, c, http.MethodPost, url+"/commands", body); status != want {
		t.Fatalf("%s: %d, want %d: %s", body, status, want, text)
	}
}
