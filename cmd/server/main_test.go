package main

import (
	"context"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// call runs the server in this process with a context that has ended, so a server that starts stops at once.
func call(t *testing.T, environ []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs strings.Builder
	code = run(ctx, args, environ, &out, &errs)
	return code, out.String(), errs.String()
}

func TestUsageErrorsExit2(t *testing.T) {
	for args, want := range map[string]string{
		"--listne 127.0.0.1:0":       `unknown flag --listne, did you mean "--listen"`,
		"serve":                      "serve",
		"--stale-after soon":         "--stale-after",
		"--stale-after":              "--stale-after",
		"--on-lease-lost run":        "--on-lease-lost",
		"--log-level loud":           "--log-level",
		"--log-format xml":           "--log-format",
		"--log-max-bytes 8GiB":       "--log-max-bytes",
		"--insecure-no-auth=perhaps": "--insecure-no-auth",
	} {
		code, out, errs := call(t, nil, strings.Fields(args)...)
		if code != 2 || out != "" || !strings.Contains(errs, want) || !strings.Contains(errs, "--help") {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", args, code, out, errs)
		}
	}
}

// TestBadValuesExit2: values that the app refuses before it does anything are wrong usage as well.
func TestBadValuesExit2(t *testing.T) {
	for args, want := range map[string]string{
		"--listen 0.0.0.0:0":                            "--insecure-no-auth",
		"--stale-after 1ms":                             "--stale-after",
		"--default-deadline 2h":                         "--default-deadline",
		"--allowed-origins https://a.example/ui":        "--allowed-origins",
		"--node-name=a/b --lease-ttl 1ms --listen 8080": "--node-name",
	} {
		if code, _, errs := call(t, nil, strings.Fields(args)...); code != 2 || !strings.Contains(errs, want) {
			t.Errorf("%s: exit %d, stderr %q", args, code, errs)
		}
	}
}

func TestFailureToStartExits1(t *testing.T) {
	code, _, errs := call(t, nil, "--listen", "127.0.0.1:0", "--data-dir", "/dev/null/data")
	if code != 1 || !strings.Contains(errs, "/dev/null/data") {
		t.Errorf("exit %d, stderr %q", code, errs)
	}
}

func TestUnknownVariablesAreWarnedAbout(t *testing.T) {
	environ := []string{
		"SWARMCALL_LISTEN=127.0.0.1:0", "SWARMCALL_DATA_DIR=" + t.TempDir(), "SWARMCALL_LISTNE=x",
		"SWARMCALL_TOKEN_FILE=for the client", "SWARMCALL_CA_FILE=for the client",
		"SWARMCALL_VERSION=1.2", "SWARM=x", "PATH=/bin",
	}
	setenv(t, environ)
	code, _, errs := call(t, environ)
	if code != 0 {
		t.Errorf("exit %d, stderr %s", code, errs)
	}
	if got := strings.Count(errs, "unknown environment variable"); got != 2 ||
		!strings.Contains(errs, "SWARMCALL_LISTNE") || !strings.Contains(errs, "SWARMCALL_VERSION") {
		t.Errorf("%d warnings: %s", got, errs)
	}
}

func TestLogFormat(t *testing.T) {
	_, _, errs := call(t, nil, "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--log-format", "json")
	if first, _, _ := strings.Cut(errs, "\n"); !strings.HasPrefix(first, "{") ||
		!strings.Contains(first, `"addr":"127.0.0.1:`) {
		t.Errorf("first line %s", first)
	}
	_, _, errs = call(t, nil, "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--log-level=error")
	if errs != "" {
		t.Errorf("at level error it said %s", errs)
	}
}

func TestVersionFlag(t *testing.T) {
	defer func(was string) { version = was }(version)
	version = "v1.2.3"
	code, out, errs := call(t, nil, "--version")
	if code != 0 || !strings.HasPrefix(out, "swarmcall-server v1.2.3 ") || !strings.Contains(out, "go1.") ||
		errs != "" {
		t.Errorf("exit %d, stdout %q, stderr %q", code, out, errs)
	}
}
