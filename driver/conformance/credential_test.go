package conformance_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/conformance"
	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
)

const secret = "swc_canary"

// TestTheSDKPassesWithAToken: the kit replaces the token in the driver's file.
func TestTheSDKPassesWithAToken(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	synctest.Test(t, func(t *testing.T) {
		write := func(token string) error { return os.WriteFile(path, []byte(token+"\n"), 0o600) }
		if err := write(secret); err != nil {
			t.Fatal(err)
		}
		network := memnet.New()
		var transcript strings.Builder
		rotated := ""
		report, err := conformance.Check(t.Context(), conformance.Options{
			Listener: network, Transcript: &transcript, Token: secret,
			Start:  starter(t, network, driver.Config{TokenFile: path, InsecureToken: true}),
			Rotate: func(token string) error { rotated = token; return write(token) },
		})
		if err != nil || !report.OK() || rotated == "" {
			t.Errorf("%v, rotated %v\n%s\n%s", err, rotated != "", report, transcript.String())
		}
		for _, token := range []string{secret, rotated} {
			if strings.Contains(transcript.String()+report.String(), token) {
				t.Error("the transcript or the report shows a token")
			}
		}
		for _, want := range []string{"answers 401 token_expired", "answers 401 unauthenticated"} {
			if strings.Count(transcript.String(), want) != 1 {
				t.Errorf("the transcript has no single %q", want)
			}
		}
	})
}

// TestDefectsWithTokens gives a driver one defect at a time, as TestDefects does.
func TestDefectsWithTokens(t *testing.T) {
	for defect, fails := range map[string]bool{
		"": false, "presents none": true, "reads its token once": true, "gives up an expired token": true,
		"insists on a refused token": true,
	} {
		t.Run(defect, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				token := secret
				read := func() string {
					mu.Lock()
					defer mu.Unlock()
					if defect == "presents none" {
						return ""
					}
					return token
				}
				network := memnet.New()
				report, err := conformance.Check(t.Context(), conformance.Options{
					Listener: network, Token: secret, Start: startNaiveWith(network, defect, false, read),
					Rotate: func(next string) error {
						mu.Lock()
						defer mu.Unlock()
						token = next
						return nil
					},
				})
				if err != nil && !errors.Is(err, conformance.ErrNoDriver) {
					t.Fatal(err)
				}
				if r := report.Of(conformance.Handshake); (r.Status == conformance.Fail) != fails ||
					strings.Contains(r.Why, secret) || report.OK() == fails {
					t.Errorf("%s: %s\n%s", r.Status, r.Why, report)
				}
			})
		})
	}
}

// TestByHandWithAToken: without Rotate, the token stays the same.
func TestByHandWithAToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network := memnet.New()
		p, err := startNaiveWith(network, "", false, func() string { return secret })()
		if err != nil {
			t.Fatal(err)
		}
		report, err := conformance.Check(t.Context(), conformance.Options{
			Listener: network, Token: secret,
			Progress: func(s string) {
				if strings.HasPrefix(s, "end the driver now") {
					p.Leave()
				}
			},
		})
		<-p.Done()
		if err != nil || !report.OK() || !strings.Contains(report.Of(conformance.Handshake).Why, "token_expired") {
			t.Errorf("%v\n%s", err, report)
		}
	})
}
