package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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
