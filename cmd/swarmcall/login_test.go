package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/settings"
)

const goodToken = "swc_good"

// guarded is a server that accepts one token.
func guarded(t *testing.T) (address string, submitters *[]string) {
	t.Helper()
	submitters = &[]string{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, code string) {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(status)
			_, _ = fmt.Fprintf(w, `{"type": "urn:swarmcall:problem:%s", "code": %q}`, code, code)
		}
		switch {
		case r.Header.Get("Authorization") == "Bearer nobody":
			_, _ = io.WriteString(w, `{"name": "anonymous", "role": "admin", "scope": {}, "expires_at": null}`)
		case r.Header.Get("Authorization") != "Bearer "+goodToken:
			refuse(http.StatusUnauthorized, "unauthenticated")
		case r.URL.Path == "/whoami":
			_, _ = io.WriteString(w, `{"name": "ci/nightly", "role": "controller", "scope": {"team": "shop"}, `+
				`"expires_at": "2100-01-31T00:00:00Z"}`)
		case r.Method == http.MethodPost:
			body, _ := io.ReadAll(r.Body)
			*submitters = append(*submitters, string(body))
			refuse(http.StatusForbidden, "forbidden")
		case r.URL.Path == "/version" || r.URL.Path == "/readyz":
			_, _ = io.WriteString(w, `{"version": "v1", "checks": []}`)
		default:
			_, _ = io.WriteString(w, `{"items": []}`)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, submitters
}

// home gives the test a user's directory, outside of any project.
func home(t *testing.T) (userFile string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"SWARMCALL_URL", "SWARMCALL_TOKEN_FILE", "SWARMCALL_CONTEXT"} {
		t.Setenv(name, "")
	}
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("HOME", dir)
	t.Chdir(t.TempDir())
	return settings.UserFile()
}

// typed runs the CLI with a text on stdin.
func typed(t *testing.T, stdin string, args ...string) (code clierr.Code, stderr string) {
	t.Helper()
	var out, err strings.Builder
	code = run(func() func() context.Context { return t.Context }, args, strings.NewReader(stdin), &out, &err)
	if all := out.String() + err.String(); strings.Contains(all, goodToken) {
		t.Errorf("%v shows the token: %s", args, all)
	}
	return code, err.String()
}

func TestLoginAndLogout(t *testing.T) {
	userFile := home(t)
	address, _ := guarded(t)
	code, errs := typed(t, goodToken+"\n", "login", "--url", address)
	const who = "as ci/nightly, role controller, scope team=shop, until 2100-01-31"
	if code != clierr.OK || !strings.Contains(errs, who) || strings.Contains(errs, "warning") {
		t.Fatalf("code %d, %s", code, errs)
	}
	path := settings.TokenPath(userFile, "")
	if b, err := os.ReadFile(path); err != nil || string(b) != goodToken+"\n" {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if code, out, errs := call(t, "whoami"); code != clierr.OK ||
		out != "ci/nightly\tcontroller\tteam=shop\t2100-01-31T00:00:00Z\n" {
		t.Errorf("code %d, %s, %s", code, out, errs)
	}
	if _, out, _ := call(t, "whoami", "-o", "json"); !strings.Contains(out, `"expires_at": "2100-01-31T00:00:00Z"`) {
		t.Errorf("%s", out)
	}
	if _, out, _ := call(t, "doctor"); !strings.Contains(out, "token\tok\tbelongs to ci/nightly, role controller") ||
		!strings.Contains(out, "as whom the token belongs to") {
		t.Errorf("%s", out)
	}
	if code, errs := typed(t, "", "logout"); code != clierr.OK || !strings.Contains(errs, "is removed") {
		t.Errorf("code %d, %s", code, errs)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the token is still there: %v", err)
	}
	if code, _, errs := call(t, "whoami"); code != clierr.Auth || !strings.Contains(errs, "swarmcall login") {
		t.Errorf("code %d, %s", code, errs)
	}
	if code, errs := typed(t, "", "logout"); code != clierr.OK || !strings.Contains(errs, "no token is stored") {
		t.Errorf("code %d, %s", code, errs)
	}
}

// TestLoginToContexts: each context has its own token, and the server of the others stays.
func TestLoginToContexts(t *testing.T) {
	userFile := home(t)
	address, _ := guarded(t)
	for _, name := range []string{"a/b", "a-b"} {
		if code, errs := typed(t, goodToken, "login", "--context", name, "--url", address); code != clierr.OK {
			t.Fatalf("code %d, %s", code, errs)
		}
	}
	if code, errs := typed(t, goodToken, "login", "--context", "a/b"); code != clierr.OK {
		t.Errorf("again: code %d, %s", code, errs)
	}
	if code, errs := typed(t, goodToken, "login", "--context", "c"); code != clierr.Usage {
		t.Errorf("an unknown context: code %d, %s", code, errs)
	}
	call(t, "context", "use", "a-b")
	if code, errs := typed(t, goodToken, "login", "--url", address+"/other"); code != clierr.Usage ||
		!strings.Contains(errs, "the context a-b is selected") {
		t.Errorf("another server: code %d, %s", code, errs)
	}
	if code, errs := typed(t, goodToken, "login"); code != clierr.OK || strings.Contains(errs, "warning") {
		t.Errorf("the selected context: code %d, %s", code, errs)
	}
	if code, errs := typed(t, "", "logout"); code != clierr.OK || !strings.Contains(errs, "the context a-b") {
		t.Errorf("code %d, %s", code, errs)
	}
	f, err := settings.Read(userFile)
	if err != nil || f.Contexts["a-b"].TokenFile != "" || f.Contexts["a-b"].URL != address ||
		f.Contexts["a/b"].TokenFile != settings.TokenPath(userFile, "a/b") {
		t.Errorf("%+v, %v", f, err)
	}
	if code, _, _ := call(t, "whoami", "--context", "a/b"); code != clierr.OK {
		t.Errorf("the other context: code %d", code)
	}
}

// TestRefusedLogins store nothing.
func TestRefusedLogins(t *testing.T) {
	userFile := home(t)
	address, _ := guarded(t)
	for stdin, want := range map[string]struct {
		code clierr.Code
		text string
	}{
		"swc_bad":  {clierr.Auth, "nothing was stored"},
		"":         {clierr.Usage, "is empty"},
		"a\nb":     {clierr.Usage, "more than one line"},
		"nobody":   {clierr.Usage, "does not check tokens"},
		"swc_\x01": {clierr.Usage, "cannot have"},
	} {
		code, errs := typed(t, stdin, "login", "--url", address)
		if code != want.code || !strings.Contains(errs, want.text) || strings.Contains(errs, "swc_bad") {
			t.Errorf("%q: code %d, %s", stdin, code, errs)
		}
	}
	if code, errs := typed(t, goodToken, "login", "--url", "ftp://x"); code != clierr.Usage {
		t.Errorf("an address: code %d, %s", code, errs)
	}
	if err := os.WriteFile(settings.ProjectFile, []byte("url: "+address+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, errs := typed(t, goodToken, "login"); code != clierr.Usage ||
		!strings.Contains(errs, "--context NAME --url URL") {
		t.Errorf("the project's server: code %d, %s", code, errs)
	}
	if entries, err := os.ReadDir(filepath.Dir(userFile)); err == nil && len(entries) > 0 {
		t.Errorf("stored: %v", entries)
	}
	if code, errs := typed(t, goodToken, "login", "--context", "x", "--url", address); code != clierr.OK ||
		strings.Contains(errs, "warning") {
		t.Errorf("named: code %d, %s", code, errs)
	}
}

// TestLogoutKeepsFilesOfOthers: login has not made them.
func TestLogoutKeepsFilesOfOthers(t *testing.T) {
	userFile := home(t)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte(goodToken), 0o600); err != nil {
		t.Fatal(err)
	}
	f := settings.File{Path: userFile, Own: settings.Context{TokenFile: token}}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	if code, errs := typed(t, "", "logout"); code != clierr.OK || !strings.Contains(errs, "the file stays") {
		t.Errorf("code %d, %s", code, errs)
	}
	if _, err := os.Stat(token); err != nil {
		t.Error(err)
	}
}

// TestTheSubmitterWithAToken is sent only by flag.
func TestTheSubmitterWithAToken(t *testing.T) {
	home(t)
	address, bodies := guarded(t)
	if code, errs := typed(t, goodToken, "login", "--url", address); code != clierr.OK {
		t.Fatal(errs)
	}
	t.Setenv("GITHUB_REPOSITORY", "o/r")
	for _, args := range [][]string{{"stop", "--yes"}, {"stop", "--yes", "--submitter", "me"}} {
		if code, _, errs := call(t, args...); code != clierr.Auth {
			t.Errorf("%v: code %d, %s", args, code, errs)
		}
	}
	if got := *bodies; len(got) != 2 || strings.Contains(got[0], "submitter") ||
		!strings.Contains(got[1], `"submitter":"me"`) {
		t.Errorf("it sent %v", got)
	}
}

// TestThereIsNoTokenFlag: other users of the machine can see flags.
func TestThereIsNoTokenFlag(t *testing.T) {
	for _, v := range verbs {
		_, help, _ := call(t, v.name, "--help")
		if strings.Contains(help, "--token ") || strings.Contains(help, "--token=") {
			t.Errorf("swarmcall %s has --token", v.name)
		}
	}
}
