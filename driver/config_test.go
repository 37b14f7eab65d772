package driver

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

func TestEndpoint(t *testing.T) {
	for base, want := range map[string]string{
		"http://127.0.0.1:8080":                 "http://127.0.0.1:8080/drivers/connect",
		"http://127.0.0.1:8080/":                "http://127.0.0.1:8080/drivers/connect",
		"https://load.example/swarm/":           "https://load.example/swarm/drivers/connect",
		"ws://load.example/drivers/connect":     "ws://load.example/drivers/connect",
		"wss://load.example/a/drivers/connect/": "wss://load.example/a/drivers/connect",
		"http://[::1]:8080?zone=a":              "http://[::1]:8080/drivers/connect?zone=a",
		"127.0.0.1:8080":                        "",
		"localhost:8080":                        "",
		"ftp://load.example":                    "",
		"http://":                               "",
		"http:///drivers":                       "",
		"":                                      "",
		"://":                                   "",
	} {
		if got, err := endpoint(base); got != want || (err == nil) != (want != "") {
			t.Errorf("endpoint(%q) = %q, %v; want %q", base, got, err, want)
		}
	}
}

func TestValidateTakes(t *testing.T) {
	labels := map[string]string{}
	for i := range maxLabels {
		labels[fmt.Sprintf("key-%d", i)] = strings.Repeat("é", maxLabelValueBytes/2)
	}
	for _, cfg := range []Config{
		{URL: "http://h", DriverID: "d"},
		{URL: "http://h", DriverID: strings.Repeat("d", 128), Labels: labels, Capabilities: []CommandType{Stop},
			Version: "v1 (é)"},
		{URL: "http://h", DriverID: "0:a.b_c-d", Labels: map[string]string{"region": ""},
			Capabilities: []CommandType{}},
	} {
		if err := cfg.validate(); err != nil {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

func TestValidateNamesEveryProblem(t *testing.T) {
	many := map[string]string{}
	for i := range maxLabels + 1 {
		many[fmt.Sprint(i)] = ""
	}
	for name, c := range map[string]struct {
		cfg  Config
		want []string
	}{
		"nothing given": {Config{}, []string{"Config.URL", "Config.DriverID"}},
		"a route as id": {Config{URL: "http://h", DriverID: "stream"}, []string{"Config.DriverID"}},
		"id too long":   {Config{URL: "http://h", DriverID: strings.Repeat("d", 129)}, []string{"Config.DriverID"}},
		"id of a tree":  {Config{URL: "http://h", DriverID: "a/b"}, []string{"Config.DriverID"}},
		"many labels":   {Config{URL: "http://h", DriverID: "d", Labels: many}, []string{"Config.Labels: are 33"}},
		"all of them": {
			Config{
				URL: "tcp://h", DriverID: "-d", Labels: map[string]string{
					" ": "x", "a": "\x00", "b": "\xff", "c": strings.Repeat("x", 257),
				},
				Capabilities: []CommandType{Stop, "fly"}, Version: "\x1b[2J", MaxPlayers: -1,
			},
			[]string{
				"Config.URL", "Config.DriverID", `key " "`, `value of "a"`, `value of "b"`, `value of "c"`,
				"Config.Version", `Config.Capabilities: "fly"`, "Config.MaxPlayers: is -1",
			},
		},
	} {
		err := c.cfg.validate()
		if err == nil {
			t.Errorf("%s: is taken", name)
			continue
		}
		lines := strings.Split(err.Error(), "\n")
		if len(lines) != len(c.want) {
			t.Errorf("%s: %d problems, want %d:\n%v", name, len(lines), len(c.want), err)
			continue
		}
		for i, want := range c.want {
			if !strings.Contains(lines[i], want) {
				t.Errorf("%s: problem %q, want one about %s", name, lines[i], want)
			}
		}
	}
}

// TestTokensInOtherFields: an error about a token in the wrong field does not repeat it.
func TestTokensInOtherFields(t *testing.T) {
	const secret = "swc_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
	for field, cfg := range map[string]Config{
		"DriverID": {DriverID: secret}, "Version": {DriverID: "a b", Version: "v " + secret},
		"TokenFile": {DriverID: "d", TokenFile: secret}, "CAFile": {DriverID: "d", CAFile: "/x/" + secret},
		"Labels": {DriverID: "d", Labels: map[string]string{"a": "\n" + secret}},
	} {
		cfg.URL = "http://127.0.0.1:1"
		if err := cfg.validate(); err == nil || !strings.Contains(err.Error(), "Config."+field+":") ||
			strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestRunRefusesABadConfig(t *testing.T) {
	err := Run(context.Background(), Config{URL: "http://h"}, nil)
	if err == nil || !strings.Contains(err.Error(), "DriverID") || !strings.Contains(err.Error(), "handler is nil") {
		t.Errorf("Run = %v; want the id and the handler named", err)
	}
}
