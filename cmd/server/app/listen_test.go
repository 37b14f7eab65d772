package app

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden file again")

// accessFlags are the flags that decide who may reach the server.
var accessFlags = []struct {
	name string
	set  func(*Config)
}{
	{"--auth-file", func(c *Config) { c.AuthFile = "auth.yaml" }},
	{"--tls-cert", func(c *Config) { c.TLSCert = "tls.crt" }},
	{"--tls-key", func(c *Config) { c.TLSKey = "tls.key" }},
	{"--insecure-no-tls", func(c *Config) { c.InsecureNoTLS = true }},
	{"--insecure-no-auth", func(c *Config) { c.InsecureNoAuth = true }},
	{"--session-key-file", func(c *Config) { c.SessionKeyFile = "session.key" }},
}

// TestListenTable shows every combination of the flags; -update rewrites the golden file.
func TestListenTable(t *testing.T) {
	var table strings.Builder
	for _, listen := range []string{"127.0.0.1:8080", "192.0.2.1:8080"} {
		for set := range 1 << len(accessFlags) {
			cfg := Defaults()
			cfg.Listen = listen
			line := "--listen " + listen
			for i, f := range accessFlags {
				if set&(1<<i) != 0 {
					f.set(&cfg)
					line += " " + f.name
				}
			}
			err := cfg.Validate()
			checkAllowed(t, line, cfg, err)
			if err == nil {
				fmt.Fprintln(&table, line)
				continue
			}
			fmt.Fprintf(&table, "%s\n    %s\n", line, strings.ReplaceAll(err.Error(), "\n", "\n    "))
		}
	}
	golden := filepath.Join("testdata", "listen.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(table.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), table.String()); diff != "" {
		t.Errorf("the table (-golden +now):\n%s", diff)
	}
}

// checkAllowed states the rule once more, the other way round: what is served on an address of the network.
func checkAllowed(t *testing.T, line string, c Config, err error) {
	t.Helper()
	if err != nil || c.Listen == "127.0.0.1:8080" {
		return
	}
	withTLS := c.TLSCert != "" && c.TLSKey != ""
	authenticated := c.AuthFile != "" && withTLS != c.InsecureNoTLS && !c.InsecureNoAuth
	if open := c.InsecureNoAuth && c.AuthFile == "" && !c.InsecureNoTLS; authenticated == open {
		t.Errorf("%s is accepted", line)
	}
}
