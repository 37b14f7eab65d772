package auth

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// office is a keeper with a file that the test changes.
type office struct {
	*Keeper
	t    *testing.T
	path string
	log  bytes.Buffer
}

// line writes one row of the file.
func line(name, secret, role, rest string) string {
	hash := authfile.Hash(secret)
	const digits = "0123456789abcdef"
	var hex strings.Builder
	for _, b := range hash {
		hex.WriteString(string(digits[b>>4]) + string(digits[b&15]))
	}
	return "  - {name: " + name + `, hash: ["sha256:` + hex.String() + `"], role: ` + role + rest + "}\n"
}

func open(t *testing.T, change func(*Config), rows ...string) *office {
	t.Helper()
	o := &office{t: t, path: filepath.Join(t.TempDir(), "auth.yaml")}
	o.write(rows...)
	cfg := Config{
		File: o.path, SessionKey: bytes.Repeat([]byte{7}, KeyBytes), Logger: slog.New(slog.NewTextHandler(&o.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if o.Keeper, err = Open(cfg); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) write(rows ...string) {
	o.t.Helper()
	if err := os.WriteFile(o.path, []byte("tokens:\n"+strings.Join(rows, "")), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

// ask identifies a request with headers "Name: value".
func (o *office) ask(headers ...string) (swarm.Principal, error) {
	r := httptest.NewRequest(http.MethodGet, "/state", nil)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	return o.Identify(r)
}

func TestIdentify(t *testing.T) {
	o := open(t, nil, line("ci", "swc_good", "controller", ", scope: {team: shop}"),
		line("old", "swc_old", "viewer", ", expires: 2020-01-01T00:00:00Z"))
	p, err := o.ask("Authorization: Bearer swc_good")
	if err != nil || p.Name != "ci" || p.Role != swarm.RoleController || p.Scope["team"] != "shop" ||
		!strings.HasPrefix(p.Credential, "token:") {
		t.Errorf("a good token: %+v, %v", p, err)
	}
	for _, tc := range []struct {
		name    string
		headers []string
		want    swarm.Code
	}{
		{"none", nil, swarm.CodeUnauthenticated},
		{"unknown", []string{"Authorization: Bearer swc_bad"}, swarm.CodeUnauthenticated},
		{"expired", []string{"Authorization: Bearer swc_old"}, swarm.CodeTokenExpired},
		{"basic", []string{"Authorization: Basic swc_good"}, swarm.CodeUnauthenticated},
		{"no scheme", []string{"Authorization: swc_good"}, swarm.CodeUnauthenticated},
		{"empty", []string{"Authorization: Bearer "}, swarm.CodeUnauthenticated},
		{"twice", []string{"Authorization: Bearer swc_good", "Authorization: Bearer swc_good"}, swarm.CodeUnauthenticated},
		{"too long", []string{"Authorization: Bearer " + strings.Repeat("x", 1<<20)}, swarm.CodeUnauthenticated},
		{"a hash", []string{"Authorization: Bearer " + line("", "swc_good", "", "")}, swarm.CodeUnauthenticated},
		{"cookie", []string{"Cookie: swarmcall_session=AAAA"}, swarm.CodeUnauthenticated},
	} {
		_, err := o.ask(tc.headers...)
		if swarm.CodeOf(err) != tc.want {
			t.Errorf("%s: %v, want %s", tc.name, err, tc.want)
		}
		if err != nil && strings.Contains(err.Error(), "swc_") {
			t.Errorf("%s: the error shows a secret: %v", tc.name, err)
		}
	}
	if p, err := o.ask("Authorization: bearer swc_good"); err != nil || p.Name != "ci" {
		t.Errorf("the scheme in lower case: %v", err)
	}
	if strings.Contains(o.log.String(), "swc_") {
		t.Errorf("the log shows a secret: %s", &o.log)
	}
}

func TestSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		o := open(t, nil, line("ann", "swc_ann", "admin", ""),
			line("brief", "swc_brief", "viewer", ", expires: "+now.Add(time.Hour).UTC().Format(time.RFC3339)))
		if _, _, _, err := o.SignIn("swc_other"); swarm.CodeOf(err) != swarm.CodeUnauthenticated {
			t.Errorf("an unknown token signs in: %v", err)
		}
		cookie, expires, who, err := o.SignIn(" swc_ann\n")
		if err != nil || who.Name != "ann" || !expires.Equal(now.Add(sessionTTL).Truncate(time.Second)) {
			t.Fatalf("sign in: %v, %v, %v", who, expires, err)
		}
		brief, expires, _, err := o.SignIn("swc_brief")
		if err != nil || !expires.Equal(now.Add(time.Hour)) {
			t.Errorf("a session outlives its token: %v, %v", expires, err)
		}
		if strings.Contains(cookie, "ann") {
			t.Error("the cookie can be read")
		}
		p, err := o.ask("Cookie: " + CookieName + "=" + cookie)
		if err != nil || p.Name != "ann" || !strings.HasPrefix(p.Credential, "cookie:") {
			t.Errorf("a session: %+v, %v", p, err)
		}
		for i := range cookie { // every forged cookie is refused
			forged := []byte(cookie)
			if forged[i]++; forged[i] == '=' {
				continue
			}
			if _, err := o.ask("Cookie: " + CookieName + "=" + string(forged)); err == nil {
				t.Errorf("a cookie with another byte %d is good", i)
			}
		}
		swarmtest.Advance(time.Hour)
		if _, err := o.ask("Cookie: " + CookieName + "=" + brief); swarm.CodeOf(err) != swarm.CodeTokenExpired {
			t.Errorf("the session of an expired token: %v", err)
		}
		swarmtest.Advance(sessionTTL - time.Hour)
		if _, err := o.ask("Cookie: " + CookieName + "=" + cookie); swarm.CodeOf(err) != swarm.CodeTokenExpired {
			t.Errorf("an old session: %v", err)
		}
	})
}

func TestSignOut(t *testing.T) {
	o := open(t, nil, line("ann", "swc_ann", "admin", ""))
	first, _, _, _ := o.SignIn("swc_ann")
	second, _, _, _ := o.SignIn("swc_ann")
	o.SignOut(first)
	o.SignOut("no cookie")
	if _, err := o.ask("Cookie: " + CookieName + "=" + first); err == nil {
		t.Error("a session goes on after it was signed out")
	}
	if _, err := o.ask("Cookie: " + CookieName + "=" + second); err != nil {
		t.Errorf("another session ended too: %v", err)
	}
}

// TestReload changes the file and lets the keeper find that.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []string
		o := open(t, func(c *Config) {
			c.Reloaded = func(change string, err error) {
				if err != nil {
					change = "failed"
				}
				told = append(told, change)
			}
		}, line("ci", "swc_ci", "viewer", ""), line("gone", "swc_gone", "viewer", ""))
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); o.Run(ctx) }()
		defer func() { stop(); <-done }()
		wait := func() { swarmtest.Advance(2 * pollEvery); synctest.Wait() }
		ci, _ := o.ask("Authorization: Bearer swc_ci")
		gone, _ := o.ask("Authorization: Bearer swc_gone")
		followed, cancel := o.Follow(ctx, gone)
		defer cancel()
		kept, cancelKept := o.Follow(ctx, ci)
		defer cancelKept()

		o.write(line("ci", "swc_ci", "viewer", ""), line("new", "swc_new", "admin", ""))
		wait()
		if _, err := o.ask("Authorization: Bearer swc_new"); err != nil {
			t.Errorf("a new token: %v", err)
		}
		if got := o.Standing(gone); got != swarm.StandingRevoked || followed.Err() == nil {
			t.Errorf("a revoked principal is %s, and what follows it ended with %v", got, followed.Err())
		}
		if got := o.Standing(ci); got != swarm.StandingValid || kept.Err() != nil {
			t.Errorf("another principal is %s, and what follows it ended with %v", got, kept.Err())
		}

		o.write("  - {name: broken}\n")
		wait()
		wait()
		if _, err := o.ask("Authorization: Bearer swc_new"); err != nil {
			t.Errorf("after a broken file: %v", err)
		}
		if n := strings.Count(o.log.String(), "level=ERROR"); n != 1 {
			t.Errorf("%d errors for one broken file:\n%s", n, &o.log)
		}
		if err := o.Reload(); err == nil {
			t.Error("a broken file was reloaded")
		}
		if err := os.Remove(o.path); err != nil {
			t.Fatal(err)
		}
		wait()
		if err := o.Reload(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("without a file: %v", err)
		}
		if got := o.Standing(ci); got != swarm.StandingValid {
			t.Errorf("without a file a principal is %s", got)
		}

		o.write(line("ci", "swc_ci", "controller", ""))
		wait()
		if got := o.Standing(ci); got != swarm.StandingChanged || kept.Err() == nil {
			t.Errorf("with another role a principal is %s", got)
		}
		want := "added new; removed gone|failed|failed|failed|failed|removed new; changed ci"
		if got := strings.Join(told, "|"); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	})
}

func TestStanding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		soon := ", expires: " + time.Now().Add(time.Minute).UTC().Format(time.RFC3339)
		o := open(t, nil, line("ci", "swc_1", "viewer", soon), line("ann", "swc_ann", "admin", ""))
		p, err := o.ask("Authorization: Bearer swc_1")
		if err != nil {
			t.Fatal(err)
		}
		_, _, ann, _ := o.SignIn("swc_ann")
		if got := o.Standing(p); got != swarm.StandingValid {
			t.Errorf("before: %s", got)
		}
		swarmtest.Advance(time.Minute)
		if got := o.Standing(p); got != swarm.StandingExpired {
			t.Errorf("at its expiry: %s", got)
		}
		o.write(line("ci", "swc_2", "viewer", ""), line("ann", "swc_ann", "admin", ""))
		if err := o.Reload(); err != nil {
			t.Fatal(err)
		}
		if got := o.Standing(p); got != swarm.StandingChanged {
			t.Errorf("with another secret: %s", got)
		}
		if got := o.Standing(ann); got != swarm.StandingValid {
			t.Errorf("a session: %s", got)
		}
		swarmtest.Advance(sessionTTL)
		if got := o.Standing(ann); got != swarm.StandingExpired {
			t.Errorf("an old session: %s", got)
		}
	})
}

func TestUnknownIsLimited(t *testing.T) {
	asked := 0
	o := open(t, func(c *Config) {
		c.Unknown = func(addr string) (time.Duration, bool) {
			asked++
			if addr != "192.0.2.1" {
				t.Errorf("the address is %q", addr)
			}
			return 3 * time.Second, asked == 1
		}
	}, line("ci", "swc_ci", "viewer", ""))
	_, unknown := o.ask("Authorization: Bearer swc_x")
	r := httptest.NewRequest(http.MethodGet, "/state", nil)
	if err := o.TurnAway(r, unknown); swarm.CodeOf(err) != swarm.CodeUnauthenticated {
		t.Errorf("the first: %v", err)
	}
	if err := o.TurnAway(r, unknown); swarm.CodeOf(err) != swarm.CodeRateLimited {
		t.Errorf("the second: %v", err)
	}
	if _, err := o.ask("Authorization: Bearer swc_ci"); err != nil || asked != 2 {
		t.Errorf("a good token is limited: %v", err)
	}
}

func TestSessionKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session.key")
	first, err := SessionKey(path)
	if err != nil || len(first) != KeyBytes {
		t.Fatalf("a new key: %d bytes, %v", len(first), err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the mode of the file: %v, %v", info, err)
	}
	if again, err := SessionKey(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the key changes: %v", err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := SessionKey(path); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("a bad key: %v", err)
	}
	if _, err := newSealer([]byte("short")); err == nil {
		t.Error("a short key seals")
	}
}

// FuzzCookie: nobody can make a session. Each process that fuzzes has a seal of its own of the one session that there is,
// with another nonce, so what is opened is compared by its content. A sealed session has one text.
func FuzzCookie(f *testing.F) {
	s, err := newSealer(bytes.Repeat([]byte{7}, KeyBytes))
	if err != nil {
		f.Fatal(err)
	}
	sealed := session{ID: "1", Expires: 1}
	good, err := s.seal(sealed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("")
	f.Add("AAAA")
	f.Fuzz(func(t *testing.T, value string) {
		got, ok := s.open(value)
		if !ok {
			return
		}
		b, err := encoding.DecodeString(value)
		if got != sealed || err != nil || encoding.EncodeToString(b) != value {
			t.Errorf("%q is %+v, which was never sealed", value, got)
		}
	})
}
