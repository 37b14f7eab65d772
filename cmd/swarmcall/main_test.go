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
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

func TestMain(m *testing.M) {
	proc.RunGuardIfRequested()
	goleak.VerifyTestMain(m)
}

// call runs the CLI in this process.
func call(t *testing.T, args ...string) (code clierr.Code, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(func() func() context.Context { return t.Context }, args, strings.NewReader(""), &out, &err)
	return code, out.String(), err.String()
}

func TestUsage(t *testing.T) {
	t.Setenv("SWARMCALL_URL", "")
	for _, tc := range []struct {
		args   string
		code   clierr.Code
		stdout string // a part of it; "" for no output
		stderr string
	}{
		{"", clierr.OK, "swarmcall players set 50", ""},
		{"--help", clierr.OK, "health", ""},
		{"demo --help", clierr.OK, "(127.0.0.1:8080)", ""},
		{"version", clierr.OK, "swarmcall ", ""},
		{"version --json", clierr.OK, `"go_version":"go1.`, ""},
		{"demmo", clierr.Usage, "", `did you mean "demo"?`},
		{"demo --drivers 0", clierr.Usage, "", "--drivers must be 1 to 50"},
		{"demo --drivers 51", clierr.Usage, "", "Try: swarmcall demo --help"},
		{"demo --players=-1", clierr.Usage, "", "--players must be 0 to 5000"},
		{"demo --players 5001", clierr.Usage, "", "--players must be 0 to 5000"},
		{"demo --for=-1s", clierr.Usage, "", "--for must not be negative"},
		{"demo --listen", clierr.Usage, "", "expected"},
		{"driver check --help", clierr.OK, "--transcript=FILE", ""},
		{"driver check --players 3", clierr.Usage, "", "--players must be 4"},
		{"driver check --wait 0s", clierr.Usage, "", "--wait must be more than 0"},
		{"driver check --listen 127.0.0.1:0 --wait 50ms", clierr.Timeout, "", "no driver connected"},
		{"players set 010", clierr.Usage, "", "without the leading zero: 10"},
		{"players set 0x10", clierr.Usage, "", "not a decimal whole number"},
		{"players set 5 --if-seq 07", clierr.Usage, "", "--if-seq: \"07\" is not a decimal whole number"},
		{"players set 5 --min-drivers 03", clierr.Usage, "", "--min-drivers"},
		{"players set 5 --allow-missing 010", clierr.Usage, "", "--allow-missing"},
		{"state --limit 0x5", clierr.Usage, "", "--limit"},
		{"players set 5 --label region=us --label region=eu", clierr.Usage, "", "region is given twice with " +
			"different values; no driver can match both"},
		{"ramp --from 1 --to 2 --step 1 --every 1s --label region=us --label " +
			"region=eu", clierr.Usage, "", "region is given twice with different values; no driver can match both"},
		{"drivers list --label region=us --label region=eu", clierr.Usage, "", "region is given twice with " +
			"different values; no driver can match both"},
		{"wait drivers 1 --label region=us --label region=eu", clierr.Usage, "", "region is given twice with " +
			"different values; no driver can match both"},
		{"stop --label region", clierr.Usage, "", `"region" must be KEY=VALUE`},
		{"players set 5 --idempotency-key=", clierr.Usage, "", "--idempotency-key must be 1 to 255"},
		{"players set 5 --deadline 0s", clierr.Usage, "", "--deadline must be 1ms to 60s"},
		{"players set 5 --deadline 1500us", clierr.Usage, "", "in whole milliseconds"},
		{"players set 5 --no-wait --wait converged", clierr.Usage, "", "contradict each other"},
		{"state --json -o yaml", clierr.Usage, "", "contradict each other"},
		{"stop --json -o yaml", clierr.Usage, "", "contradict each other"},
		{"drivers list --limit=-1", clierr.Usage, "", "--limit must not be negative"},
		{"drivers --limit=-1", clierr.Usage, "", "--limit must not be negative"},
		{"commands list --limit=-1", clierr.Usage, "", "--limit must not be negative"},
		{"state --limit=-1", clierr.Usage, "", "--limit must be 1 to 1000"},
		{"stop --url http://127.0.0.1:1 --report junit=/nonexistent/x.xml", clierr.Usage, "",
			"--report junit=/nonexistent/x.xml cannot be written"},
		{"ramp --from 1 --to 2 --step 1 --every 1s --url http://127.0.0.1:1 --report json=/nonexistent/x",
			clierr.Usage, "", "cannot be written"},
		{"demo-driver", clierr.Usage, "", "missing flags"},
		{"health --url http://127.0.0.1:1", clierr.Unreachable, "", "does not accept commands"},
		{"demo-guard -- /does/not/exist", clierr.Failed, "", "no such file"},
	} {
		code, stdout, stderr := call(t, strings.Fields(tc.args)...)
		if code != tc.code {
			t.Errorf("swarmcall %s: code %d, want %d", tc.args, code, tc.code)
		}
		for stream, pair := range map[string][2]string{"stdout": {stdout, tc.stdout}, "stderr": {stderr, tc.stderr}} {
			if got, want := pair[0], pair[1]; !strings.Contains(got, want) || (want == "" && got != "") {
				t.Errorf("swarmcall %s: %s is %q, want %q in it", tc.args, stream, got, want)
			}
		}
	}
}

func TestHelpHidesTheDemosParts(t *testing.T) {
	if _, help, _ := call(t, "--help"); strings.Contains(help, "demo-") {
		t.Errorf("help shows hidden commands:\n%s", help)
	}
}

func TestDemoFlags(t *testing.T) {
	line := "demo --server s --listen 127.0.0.1:0 --data-dir d --drivers 2 --players 0 --for 5s -v"
	command, err := parse(strings.Fields(line), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := *command.(*demoCmd)
	want := demoCmd{
		Server: "s", Listen: "127.0.0.1:0", DataDir: "d", Drivers: 2, For: 5 * time.Second, Verbose: true,
	}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestHealth(t *testing.T) {
	status, answer := http.StatusOK, `{"status": "ok", "checks": []}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/readyz" {
			t.Errorf("asked for %s", r.URL)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	if code, out, errs := call(t, "health", "--url", s.URL); code != clierr.OK || out+errs != "" {
		t.Errorf("ready: code %d, %s%s", code, out, errs)
	}
	t.Setenv("SWARMCALL_URL", s.URL)
	answer = "<h1>It works!</h1>"
	if code, _, errs := call(t, "health"); code != clierr.Unreachable {
		t.Errorf("a page of a proxy: code %d, %s", code, errs)
	}
	status = http.StatusServiceUnavailable
	if code, _, errs := call(t, "health"); code != clierr.Unreachable || !strings.Contains(errs, "503") {
		t.Errorf("not ready: code %d, %s", code, errs)
	}
}

func TestStampedVersionWins(t *testing.T) {
	defer func(was string) { version = was }(version)
	version = "v1.2.3-4-gabcdef"
	if _, out, _ := call(t, "version"); !strings.HasPrefix(out, "swarmcall v1.2.3-4-gabcdef (go1.") {
		t.Errorf("version is %q", out)
	}
}

// TestASilentServer: the CLI says what it waits for, and a timeout also covers the sending.
func TestASilentServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has disconnected
		<-r.Context().Done()
	}))
	defer s.Close()
	code, _, errs := call(t, "stop", "--yes", "--timeout", "5s", "--retry-for", "0", "--url", s.URL,
		"--idempotency-key", "once")
	if code != clierr.Unreachable || !strings.Contains(errs, "waiting for "+s.URL) ||
		!strings.Contains(errs, "no answer in 5s") || !strings.Contains(errs, "--idempotency-key once") {
		t.Errorf("code %d, %s", code, errs)
	}
}

// TestWhatCannotBeSentIsUsage: a retry would not help.
func TestWhatCannotBeSentIsUsage(t *testing.T) {
	code, _, errs := call(t, "players", "set", "5", "--url", "http://127.0.0.1:1", "--idempotency-key", "ci\n1")
	if code != clierr.Usage || !strings.Contains(errs, "--idempotency-key") {
		t.Errorf("code %d, %s", code, errs)
	}
	path := filepath.Join(t.TempDir(), "token")
	for content, why := range map[string]string{"a\nb\n": "more than one line", "a\x01b": "a token cannot " +
		"have", " \n": "is empty"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, errs := call(t, "drivers", "list", "--url", "http://127.0.0.1:1", "--token-file", path)
		if code != clierr.Usage || !strings.Contains(errs, path) || !strings.Contains(errs, why) ||
			!strings.Contains(errs, "--token-file") {
			t.Errorf("%q: code %d, %s", content, code, errs)
		}
	}
}
