package main

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

var update = flag.Bool("update", false, "write the golden file again")

// setenv sets variables for the flag parser, which reads the process's environment.
func setenv(t *testing.T, environ []string) {
	t.Helper()
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		t.Setenv(name, value)
	}
}

// config returns the configuration of a server with these arguments.
func config(t *testing.T, args ...string) app.Config {
	t.Helper()
	f, done, err := parse(args, os.Environ(), nil)
	if err != nil || done {
		t.Fatalf("parse: done %v, %v", done, err)
	}
	cfg := f.config(nil)
	cfg.Version = app.Version{}
	return cfg
}

// all is a value other than the default for every flag.
var all = map[string]string{
	"ops-listen": "127.0.0.1:9100", "listen": "127.0.0.2:1", "data-dir": "/d", "node-name": "n-7", "log-max-bytes": "77", "heartbeat-interval": "77ms",
	"stale-after":  "7s",
	"forget-after": "7m", "default-deadline": "7s", "lease-ttl": "77s", "on-lease-lost": "hold",
	"allowed-hosts":   "a.example,b.example",
	"allowed-origins": "https://a.example,https://b.example", "insecure-no-auth": "true", "log-sync": "interval",
	"resplit": "off", "accept-data-loss": "true",
	"public-url": "https://load.example.com/", "trusted-proxies": "10.0.0.7,fd00::/8",
	"auth-file": "/auth.yaml", "tls-cert": "/tls.crt", "tls-key": "/tls.key", "insecure-no-tls": "true",
	"session-key-file": "/session.key", "webhooks-file": "/webhooks.yaml",
	"nats-url": "nats://a:4222,nats://b:4222", "nats-creds": "/nats.creds", "nats-ca": "/nats-ca.pem",
}

var allConfig = app.Config{
	Listen: "127.0.0.2:1", DataDir: "/d", NodeName: "n-7", LogMaxBytes: 77, HeartbeatInterval: 77 * time.Millisecond,
	StaleAfter:  7 * time.Second,
	ForgetAfter: 7 * time.Minute, DefaultDeadline: 7 * time.Second, LeaseTTL: 77 * time.Second, OnLeaseLost: "hold",
	AllowedHosts:   []string{"a.example", "b.example"},
	AllowedOrigins: []string{"https://a.example", "https://b.example"}, InsecureNoAuth: true,
	PublicURL: "https://load.example.com/", TrustedProxies: []string{"10.0.0.7", "fd00::/8"},
	OpsListen: "127.0.0.1:9100",
	AuthFile:  "/auth.yaml", TLSCert: "/tls.crt", TLSKey: "/tls.key", InsecureNoTLS: true, SessionKeyFile: "/session.key",
	NATSURL: "nats://a:4222,nats://b:4222", NATSCreds: "/nats.creds", NATSCA: "/nats-ca.pem",
	WebhooksFile: "/webhooks.yaml", LogSync: "interval", Resplit: "off", AcceptDataLoss: true,
}

func TestDefaultsAreTheApps(t *testing.T) {
	if diff := cmp.Diff(app.Defaults(), config(t)); diff != "" {
		t.Errorf("flags at their defaults (-app +flags):\n%s", diff)
	}
}

func TestEveryFlag(t *testing.T) {
	var args []string
	for name, value := range all {
		args = append(args, "--"+name+"="+value)
	}
	if diff := cmp.Diff(allConfig, config(t, args...)); diff != "" {
		t.Errorf("by flags (-want +got):\n%s", diff)
	}
}

// TestEveryVariable also finds a new flag that these tests forgot.
func TestEveryVariable(t *testing.T) {
	for name, value := range all {
		t.Setenv("SWARMCALL_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_")), value)
	}
	got := config(t)
	if diff := cmp.Diff(allConfig, got); diff != "" {
		t.Errorf("by environment (-want +got):\n%s", diff)
	}
	v := reflect.ValueOf(got)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() &&
			!slices.Contains([]string{"Version", "Reloads", "Warnings", "Logger"}, name) {
			t.Errorf("no flag sets Config.%s", name)
		}
	}
}

func TestFlagsWinOverVariables(t *testing.T) {
	t.Setenv("SWARMCALL_LISTEN", "127.0.0.1:1")
	t.Setenv("SWARMCALL_LOG_LEVEL", "error")
	if got := config(t, "--listen", "127.0.0.1:2").Listen; got != "127.0.0.1:2" {
		t.Errorf("listen is %s", got)
	}
	f, _, err := parse(nil, os.Environ(), nil)
	if err != nil || f.level() != slog.LevelError || len(f.unknown) > 0 {
		t.Errorf("level %v, unknown %v, %v", f.level(), f.unknown, err)
	}
}

// TestHelp shows what operators read first; -update rewrites the golden file.
func TestHelp(t *testing.T) {
	t.Setenv("COLUMNS", "110")
	code, out, errs := call(t, nil, "--help")
	if code != 0 || errs != "" {
		t.Fatalf("exit %d, stderr %q", code, errs)
	}
	golden := filepath.Join("testdata", "help.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(out), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out); diff != "" {
		t.Errorf("help (-golden +now):\n%s", diff)
	}
}
