package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

func TestDriveUsage(t *testing.T) {
	for args, says := range map[string]string{
		"http":                                    "--target",
		"http --target localhost:80":              "must have the form http://host:port",
		"http --target http://x --mode other":     "--mode must be one of",
		"http --target http://x --max-players=-1": "--max-players",
		"http --target http://x --weight 0":       "--weight",
		"http --target http://x --header bad":     "--header",
		"k6":                                      "either a SCRIPT",
		"k6 x.js --attach http://127.0.0.1:1":     "either a SCRIPT",
		"k6 --k6 /does/not/exist x.js":            "k6 is not installed",
		"locust":                                  "-f FILE",
		"exec":                                    "<program>",
		"exec -- /does/not/exist":                 "cannot start the program",
	} {
		code, _, err := call(t, append([]string{"drive"}, strings.Fields(args)...)...)
		if code != clierr.Usage || !strings.Contains(err, says) {
			t.Errorf("%s: code %d, %s", args, code, err)
		}
	}
}

// TestDriveFiles: what is wrong with the token or the CA file ends the driver before anything is sent.
func TestDriveFiles(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good, bad := write("swc_canary\n"), write("canary canary\n")
	for _, c := range []struct {
		args string
		code clierr.Code
		says string
	}{
		{"--url http://127.0.0.1:1 --token-file " + good + "no", clierr.Auth, good + "no"},
		{"--url http://127.0.0.1:1 --token-file " + bad, clierr.Usage, "a token cannot have"},
		{"--url https://127.0.0.1:1 --ca-file " + good, clierr.Usage, "no certificate in PEM form"},
		{"--url http://192.0.2.1:1 --token-file " + good, clierr.Usage, "--insecure-token"},
		{"--url http://192.0.2.1:1 --insecure-token --token-file " + bad, clierr.Usage, "a token cannot have"},
	} {
		args := append([]string{"drive", "exec"}, strings.Fields(c.args)...)
		code, _, errs := call(t, append(args, "--", "cat")...)
		if code != c.code || !strings.Contains(errs, c.says) || strings.Contains(errs, "canary") {
			t.Errorf("%s: code %d, %s", c.args, code, errs)
		}
	}
}

// TestPlainTokenWarning: a token that leaves the machine without encryption is worth a warning, and only one.
func TestPlainTokenWarning(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("swc_canary\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	for _, c := range []struct {
		args string
		want int
	}{
		{"--url http://0.0.0.0:1 --token-file " + token, 1},
		{"--url http://0.0.0.0:1", 0},
		{"--url https://0.0.0.0:1 --token-file " + token, 0},
		{"--url " + server.URL + " --token-file " + token, 0},
	} {
		_, _, errs := call(t, append([]string{"drivers", "list", "--retry-for", "0"}, strings.Fields(c.args)...)...)
		if n := strings.Count(errs, "warning: the token is sent without encryption"); n != c.want ||
			strings.Contains(errs, "canary") {
			t.Errorf("%s: %d warnings, want %d: %s", c.args, n, c.want, errs)
		}
	}
}

// TestDriveIsRefused: the flags reach the harness, and a server that refuses the credential ends the driver with the
// exit code for that.
func TestDriveIsRefused(t *testing.T) {
	var header http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"type": "urn:swarmcall:problem:unauthenticated", "code": "unauthenticated"}`)
	}))
	defer server.Close()
	token := t.TempDir() + "/token"
	if err := os.WriteFile(token, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, err := call(t, "drive", "exec", "--url", server.URL, "--token-file", token, "--label", "a=b=c", "--",
		"cat")
	if code != clierr.Auth || header.Get("Authorization") != "Bearer secret" ||
		!strings.Contains(err, "refused the driver") {
		t.Errorf("code %d with %v: %s", code, header, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	ended := func() context.Context { return ctx }
	if code := run(func() func() context.Context { return ended },
		[]string{"drive", "exec", "--url", "http://127.0.0.1:1", "--",
			"cat"}, nil, t.Output(), t.Output()); code != clierr.OK {
		t.Errorf("told to end before it began: code %d", code)
	}
}
