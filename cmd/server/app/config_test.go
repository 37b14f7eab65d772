package app

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultsAreValid(t *testing.T) {
	cfg := Defaults()
	if err := cfg.Validate(); err != nil {
		t.Error(err)
	}
}

// TestBadConfig: each wrong value is refused with the flag that corrects it.
func TestBadConfig(t *testing.T) {
	for flag, changes := range map[string][]func(*Config){
		"--listen": {
			func(c *Config) { c.Listen = "" }, func(c *Config) { c.Listen = "8080" },
			func(c *Config) { c.Listen = "127.0.0.1" }, func(c *Config) { c.Listen = "127.0.0.1:" },
			func(c *Config) { c.Listen = "127.0.0.1:99999" }, func(c *Config) { c.Listen = "127.0.0.1:-1" },
			func(c *Config) { c.Listen = "127.0.0.1:http" }, func(c *Config) { c.Listen = "::1:8080" },
		},
		"--data-dir": {func(c *Config) { c.DataDir = "" }},
		"--heartbeat-interval": {func(c *Config) { c.HeartbeatInterval = 0 },
			func(c *Config) { c.HeartbeatInterval = 9 * time.Millisecond }},
		"--stale-after": {func(c *Config) { c.StaleAfter = c.HeartbeatInterval },
			func(c *Config) { c.StaleAfter = -1 }},
		"--forget-after": {func(c *Config) { c.ForgetAfter = c.StaleAfter - 1 }},
		"--default-deadline": {func(c *Config) { c.DefaultDeadline = 0 },
			func(c *Config) { c.DefaultDeadline = time.Minute + 1 }},
		"--lease-ttl": {func(c *Config) { c.LeaseTTL = time.Second - 1 },
			func(c *Config) { c.LeaseTTL = 4*c.HeartbeatInterval - 1 }},
		"--on-lease-lost": {func(c *Config) { c.OnLeaseLost = "" }, func(c *Config) { c.OnLeaseLost = "run" }},
		"--log-max-bytes": {func(c *Config) { c.LogMaxBytes = -1 }},
		"--node-name": {func(c *Config) { c.NodeName = "" }, func(c *Config) { c.NodeName = "a b" },
			func(c *Config) { c.NodeName = strings.Repeat("a", 129) }},
		"--allowed-hosts": {
			func(c *Config) {
				c.AllowedHosts = []string{"load.example.com",
					""}
			}, func(c *Config) { c.AllowedHosts = []string{"load.example.com:8080"} },
			func(c *Config) { c.AllowedHosts = []string{"https://load.example.com"} },
		},
		"--allowed-origins": {
			func(c *Config) { c.AllowedOrigins = []string{"load.example.com"} },
			func(c *Config) { c.AllowedOrigins = []string{"https://load.example.com/"} },
			func(c *Config) { c.AllowedOrigins = []string{"*"} },
			func(c *Config) { c.AllowedOrigins = []string{"null"} },
			func(c *Config) { c.AllowedOrigins = []string{"https://Load.example.com"} },
		},
	} {
		for i, change := range changes {
			cfg := Defaults()
			change(&cfg)
			err := Run(t.Context(), cfg, nil)
			if err == nil || !strings.Contains(err.Error(), flag+" ") {
				t.Errorf("%s, value %d: %v", flag, i+1, err)
			}
		}
	}
}

// TestAllErrorsAreReportedAtOnce: operators do not need a start for each error.
func TestAllErrorsAreReportedAtOnce(t *testing.T) {
	err := Run(t.Context(), Config{}, nil)
	for _, flag := range []string{"--listen", "--data-dir", "--heartbeat-interval", "--stale-after",
		"--default-deadline", "--lease-ttl", "--on-lease-lost", "--node-name"} {
		if err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s is missing in: %v", flag, err)
		}
	}
}

// TestNotReachableByAccident: without authentication, only loopback is served unless a flag accepts the risk.
func TestNotReachableByAccident(t *testing.T) {
	for listen, loopback := range map[string]bool{
		"127.0.0.1:0": true, "127.9.9.9:0": true, "localhost:0": true, "[::1]:0": true, "[::ffff:127.0.0.1]:0": true,
		"0.0.0.0:0": false, "[::]:0": false, ":0": false, "192.168.1.5:0": false, "swarm.lan:0": false,
		"[fe80::1%eth0]:0": false, "localhost.evil.example:0": false,
	} {
		cfg := Defaults()
		cfg.Listen = listen
		err := cfg.Validate()
		if (err == nil) != loopback {
			t.Errorf("%s: %v", listen, err)
		}
		if err != nil && !strings.Contains(err.Error(), "--insecure-no-auth") {
			t.Errorf("%s: the refusal does not name the way out: %v", listen, err)
		}
		cfg.InsecureNoAuth = true
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s with --insecure-no-auth: %v", listen, err)
		}
	}
}
