package k6

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

func TestCheckVersion(t *testing.T) {
	for printed, hint := range map[string]string{
		"k6 v1.8.1 (go1.26.8, linux/amd64)":               "",
		"k6 v0.57.0 (commit/50afd82c18, go1.23.6, linux)": "",
		"k6 v2.2.0 (go1.26.8, linux/amd64)":               "1.8 is the last",
		"k6 v10.0.0":                                      "swarmcall drive http",
		"GNU coreutils 9.1":                               "is --k6 the path of k6?",
	} {
		err := checkVersion(printed)
		if (err != nil) != (hint != "") ||
			(err != nil && (clierr.CodeOf(err) != clierr.Usage || !strings.Contains(clierr.Text(err), hint))) {
			t.Errorf("%s: %v, want %q", printed, err, hint)
		}
	}
}

func TestPlanOf(t *testing.T) {
	for printed, want := range map[string]struct {
		plan plan
		says string
	}{
		`{"scenarios":null,"vus":null,"stages":null}`: {plan{ownScenario: true}, ""},
		`{"scenarios":{"s":{"executor":"externally-controlled","vus":7,"maxVUs":10}}}`: {
			plan{startsAt: 7}, "",
		},
		`{"scenarios":{"s":{"executor":"ramping-vus"}}}`:                  {plan{}, "executor ramping-vus"},
		`{"scenarios":{"a":{"executor":"externally-controlled"},"b":{}}}`: {plan{}, "2 scenarios"},
		`{"vus":10,"duration":"30s"}`:                                     {plan{}, "set the load"},
		`{"stages":[{"target":1}]}`:                                       {plan{}, "set the load"},
		`no json`:                                                         {plan{}, "cannot read"},
	} {
		got, err := planOf([]byte(printed))
		if got != want.plan || (err != nil) != (want.says != "") ||
			(err != nil && !strings.Contains(err.Error(), want.says)) {
			t.Errorf("%s: %+v, %v", printed, got, err)
		}
	}
}

func TestEnvArgs(t *testing.T) {
	got := envArgs([]string{"--out", "json=x", "-e", "A=b", "--env=C=d", "--tag", "-e"})
	if !slices.Equal(got, []string{"-e", "A=b", "--env=C=d"}) {
		t.Errorf("%v", got)
	}
}

// TestStart uses a shell script as k6: it prints what k6 prints, and exits.
func TestStart(t *testing.T) {
	k6 := filepath.Join(t.TempDir(), "k6")
	script := func(run string) {
		text := "#!/bin/sh\ncase $1 in\nversion) echo 'k6 v1.8.1 (test)' ;;\ninspect) echo '{}' ;;\nrun) " + run +
			" ;;\nesac\n"
		if err := os.WriteFile(k6, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script("echo 'GoError: no such file' >&2; exit 107")
	_, err := Start(t.Context(), Options{K6: k6, Script: "x.js", Out: t.Output()})
	if text := clierr.Text(err); !strings.Contains(text, "exit status 107") || !strings.Contains(text, "GoError") {
		t.Error(text)
	}
	_, err = Start(t.Context(), Options{K6: "/does/not/exist/k6", Script: "x.js"})
	if text := clierr.Text(err); clierr.CodeOf(err) != clierr.Usage || !strings.Contains(text, "installed k6 1.x") {
		t.Error(text)
	}
}

func TestRamp(t *testing.T) {
	at := time.Now()
	r := ramp{target: 1000, delay: time.Millisecond, max: 1}
	seconds := 0.0
	for began := at; !r.settled(); at = at.Add(7 * time.Millisecond) { // each answer takes that long
		at = at.Add(r.due(at))
		r.stepApplied(r.next(at), at)
		seconds = at.Sub(began).Seconds()
	}
	if seconds < 0.95 || seconds > 1.1 {
		t.Errorf("1000 VUs, 1 ms apart, took %.3f s", seconds)
	}
	r.target = 990
	at = at.Add(time.Hour)
	if n := r.next(at); r.due(at) != 0 || n != 999 {
		t.Errorf("after a rest it goes to %d", n)
	}
	r.target, r.urgent = 0, true
	if n := r.next(at); n != 0 {
		t.Errorf("urgently it goes to %d", n)
	}
}
