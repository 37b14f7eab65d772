// Package examples_test runs each example driver through `swarmcall driver check`.
package examples_test

import (
	"encoding/pem"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// cli is the path of the built command line.
var cli string

// TestMain lets the drivers run in parallel on any machine, because they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	if err := flag.Set("test.parallel", "4"); err != nil {
		panic(err)
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "examples")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	cli = filepath.Join(dir, "swarmcall")
	if out, err := exec.Command("go", "build", "-o", cli, "../cmd/swarmcall").CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

func TestGo(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "driver")
	if out, err := exec.Command("go", "build", "-o", binary, "./go").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	conforms(t, binary)
}

func TestPython(t *testing.T) {
	t.Parallel()
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) { // several may be there: use one that has the library
		python := filepath.Join(dir, "python3")
		if exec.Command(python, "-c", "import websockets").Run() == nil {
			conforms(t, python, "python/driver.py")
			return
		}
	}
	testenv.SkipOrFail(t, "no python3 on the PATH has the module websockets: install Debian's python3-websockets")
}

func TestNode(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("node"); err != nil {
		testenv.SkipOrFail(t, "node is not on the PATH")
	}
	dir := t.TempDir() // node looks for modules beside the program: a copy keeps the work tree clean
	for _, name := range []string{"driver.mjs", "package.json", "package-lock.json"} {
		b, err := os.ReadFile(filepath.Join("node", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		testenv.SkipOrFail(t, "npm ci: %v: %s", err, out)
	}
	conforms(t, "node", filepath.Join(dir, "driver.mjs"))
}

// patience is the limit for the first connection: three drivers and their runtimes start on one machine.
const patience = time.Minute

// conforms checks that the driver passes every duty that the kit can try on a driver without local limits.
func conforms(t *testing.T, command ...string) {
	t.Helper()
	testenv.Slow(t, "takes most of a minute, in real time")
	refusesAndPresents(t, command...)
	movesOn(t, command...)
	transcript := filepath.Join(t.TempDir(), "transcript.jsonl")
	args := append([]string{
		"driver", "check", "--listen", "127.0.0.1:0", "--players", "10", "--wait", patience.String(), "--transcript",
		transcript, "--token-file", file(t, secret), "--",
	}, command...)
	cmd := exec.CommandContext(t.Context(), cli, args...)
	cmd.Stderr = t.Output()
	report, err := cmd.Output()
	t.Logf("\n%s", report)
	if err != nil || !strings.Contains(string(report), ": 21 passed, 0 failed, 1 not tried") {
		lines, _ := os.ReadFile(transcript)
		t.Errorf("%v\n%s", err, lines)
	}
}

// secret is the token of the drivers, which they must not print.
const secret = "swc_canary"

func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// refusesAndPresents checks what the kit cannot: the driver does not send its token to another machine without
// encryption, and presents it over TLS to a server that its CA file names. The driver ends when that server refuses it.
func refusesAndPresents(t *testing.T, command ...string) {
	t.Helper()
	var presented atomic.Value
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		presented.Store(r.Header.Get("Authorization"))
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"type":"urn:swarmcall:problem:unauthenticated","code":"unauthenticated"}`)
	}))
	defer server.Close()
	roots := file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for url, says := range map[string]string{
		"http://192.0.2.1:9": "https", "http://127.0.0.1:9,http://192.0.2.1:9": "https", server.URL: "unauthenticated",
		"http://127.0.0.1:9,,http://127.0.0.1:8": "http://127.0.0.1:9,,http://127.0.0.1:8",
		"http://127.0.0.1:9,http://127.0.0.1:9":  "http://127.0.0.1:9,http://127.0.0.1:9",
		server.URL + ",http://127.0.0.1:9":       server.URL + ",http://127.0.0.1:9",
	} {
		cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "SWARMCALL_URL="+url, "SWARMCALL_TOKEN_FILE="+file(t, secret),
			"SWARMCALL_CA_FILE="+roots)
		out, err := cmd.CombinedOutput()
		if !strings.Contains(string(out), says) || strings.Contains(string(out), secret) {
			t.Errorf("with %s: %v, it printed %s", url, err, out)
		}
	}
	if got := presented.Load(); got != "Bearer "+secret {
		t.Errorf("presented %v", got)
	}
}

// movesOn checks that a driver with two servers asks each of them in turn, and ends when one refuses it for good.
func movesOn(t *testing.T, command ...string) {
	t.Helper()
	const tries = 5
	asked := make(chan int, tries)
	var urls []string
	for i := range 2 {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			select {
			case asked <- i:
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `{"type":"urn:swarmcall:problem:forbidden","code":"forbidden"}`)
			}
		}))
		defer server.Close()
		urls = append(urls, server.URL)
	}
	cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "SWARMCALL_URL="+strings.Join(urls, ", "))
	out, err := cmd.CombinedOutput()
	close(asked)
	last := -1
	for at := range asked {
		if at == last {
			t.Errorf("server %d is asked twice in a row", at)
		}
		last = at
	}
	if last < 0 || !strings.Contains(string(out), "forbidden") {
		t.Errorf("%v, it printed %s", err, out)
	}
}

// TestExamplesAreShort: people read the examples.
func TestExamplesAreShort(t *testing.T) {
	for _, name := range []string{"go/main.go", "python/driver.py", "node/driver.mjs"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 90 {
			t.Errorf("%s has %d lines, over 90", name, n)
		}
	}
}
