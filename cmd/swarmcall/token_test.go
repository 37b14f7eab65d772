package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

var secretForm = regexp.MustCompile(`^swc_[A-Za-z0-9_-]{43}\n$`)

// newToken runs token new, and returns the secret.
func newToken(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := call(t, append([]string{"token", "new"}, args...)...)
	if code != clierr.OK || !secretForm.MatchString(out) {
		t.Fatalf("%v: code %d, %q, %s", args, code, out, errs)
	}
	if strings.Contains(errs, strings.TrimSpace(out)) {
		t.Errorf("the messages show the secret: %s", errs)
	}
	return strings.TrimSpace(out)
}

func read(t *testing.T, path string) *authfile.File {
	t.Helper()
	f, err := authfile.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestALifeOfATokensSecrets: it is made, rotated, and the old secret is revoked, then the token.
func TestALifeOfATokensSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.yaml")
	t.Setenv(authFileEnv, path)
	first := newToken(t, "ci/nightly", "--role", "controller", "--scope", "team=shop", "--expires", "90d")
	drivers := newToken(t, "eu", "--role", "driver", "--driver-id", "eu-*", "--label", "team=shop",
		"--label", "region=eu")
	f := read(t, path)
	if len(f.Tokens) != 2 || f.Tokens[0].Hashes[0] != authfile.Hash(first) ||
		f.Tokens[1].Hashes[0] != authfile.Hash(drivers) || f.Tokens[1].Labels["region"] != "eu" {
		t.Errorf("the file has %+v", f.Tokens)
	}
	if left := time.Until(f.Tokens[0].Expires); left < 89*24*time.Hour || left > 90*24*time.Hour {
		t.Errorf("it ends in %v", left)
	}

	second := newToken(t, "ci/nightly", "--rotate")
	old := authfile.Fingerprint(authfile.Hash(first))
	code, _, errs := call(t, "token", "new", "ci/nightly", "--rotate")
	if code != clierr.Usage || !strings.Contains(errs, "swarmcall token revoke ci/nightly --hash "+old) {
		t.Errorf("a third secret: code %d, %s", code, errs)
	}
	if code, _, errs := call(t, "token", "revoke", "ci/nightly", "--hash", strings.ToUpper(old)); code != clierr.OK {
		t.Errorf("the old secret: code %d, %s", code, errs)
	}
	code, _, errs = call(t, "token", "revoke", "ci/nightly", "--hash", authfile.Fingerprint(authfile.Hash(second)))
	if code != clierr.Usage || !strings.Contains(errs, "swarmcall token revoke ci/nightly") {
		t.Errorf("the only secret: code %d, %s", code, errs)
	}
	if f := read(t, path); len(f.Tokens[0].Hashes) != 1 || f.Tokens[0].Hashes[0] != authfile.Hash(second) {
		t.Errorf("the file has %+v", f.Tokens)
	}
	if code, _, errs := call(t, "token", "revoke", "ci/nightly"); code != clierr.OK {
		t.Errorf("the token: code %d, %s", code, errs)
	}
	if code, _, errs := call(t, "token", "revoke", "eu"); code != clierr.Usage || !strings.Contains(errs, "nobody") {
		t.Errorf("the last token: code %d, %s", code, errs)
	}
}

func TestTokenList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.yaml")
	ops := newToken(t, "ops", "--file", path, "--role", "admin")
	newToken(t, "eu", "--file", path, "--role", "driver", "--driver-id", "eu-*", "--driver-id", "x", "--label", "a=b",
		"--expires", "2100-01-31T00:00:00+01:00")
	code, out, errs := call(t, "token", "list", "--file", path)
	lines := strings.Split(out, "\n")
	print := authfile.Fingerprint(authfile.Hash(ops))
	if code != clierr.OK || lines[0] != "ops\tadmin\t-\t-\t-\tnever\t"+print ||
		!strings.HasPrefix(lines[1], "eu\tdriver\t-\teu-*,x\ta=b\t2100-01-31T00:00:00+01:00\t") {
		t.Errorf("code %d, %s, %s", code, out, errs)
	}
	_, out, _ = call(t, "token", "list", "--file", path, "-o", "json")
	var items []tokenItem
	if err := json.Unmarshal([]byte(out), &items); err != nil || items[0].Expires != nil ||
		!slices.Equal(items[0].Fingerprints, []string{print}) || items[1].DriverIDs[1] != "x" || items[1].Expired {
		t.Errorf("%v, %s", err, out)
	}
	if strings.Contains(out, "sha256") || strings.Contains(out, "swc_") {
		t.Errorf("the list shows too much: %s", out)
	}
	if _, out, _ := call(t, "complete", "--", "token", "revoke", "--file", path, "o"); out != "ops\n" {
		t.Errorf("completion: %q", out)
	}
}

func TestTokenIntoAFile(t *testing.T) {
	dir := t.TempDir()
	path, out := filepath.Join(dir, "auth.yaml"), filepath.Join(dir, "secret")
	code, said, errs := call(t, "token", "new", "ci", "--file", path, "--role", "viewer", "--out", out)
	secret, err := os.ReadFile(out)
	if code != clierr.OK || said != "" || err != nil || !secretForm.Match(secret) ||
		strings.Contains(errs, strings.TrimSpace(string(secret))) || !strings.Contains(errs, "SWARMCALL_TOKEN_FILE") {
		t.Errorf("code %d, %q, %s, %v", code, said, errs, err)
	}
	if info, err := os.Stat(out); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	viewer := []string{"--file", path, "--role", "viewer", "--out"}
	if code, _, _ := call(t, append([]string{"token", "new", "two"}, append(viewer, out)...)...); code != clierr.Usage {
		t.Errorf("an existing file: code %d", code)
	}
	again, err := os.ReadFile(out)
	if err != nil || string(again) != string(secret) || len(read(t, path).Tokens) != 1 {
		t.Errorf("the refused call has changed something: %v", err)
	}
	other := filepath.Join(dir, "other")
	code, _, _ = call(t, append([]string{"token", "new", "ci"}, append(viewer, other)...)...)
	if code != clierr.Usage {
		t.Errorf("a taken name: code %d", code)
	}
	if _, err := os.Stat(other); !os.IsNotExist(err) {
		t.Errorf("a secret that no server accepts is left behind: %v", err)
	}
}

func TestTokenUsage(t *testing.T) {
	t.Setenv(authFileEnv, "")
	path := filepath.Join(t.TempDir(), "auth.yaml")
	newToken(t, "scoped", "--file", path, "--role", "stopper", "--scope", "team=shop")
	for args, want := range map[string]string{
		"token new x --role viewer":                                    "name the server's auth file",
		"token list":                                                   "name the server's auth file",
		"token revoke x":                                               "name the server's auth file",
		"auth check":                                                   "no auth file is named",
		"token new x --file F":                                         "--role is missing",
		"token new x --file F --role root":                             `--role is "root"`,
		"token new guard/x --file F --role admin":                      "reserved",
		"token new anonymous --file F --role admin":                    "choose another",
		"token new x --file F --role driver --scope a=b":               "--scope is not for the role driver",
		"token new x --file F --role viewer --label a=b":               "only for the role driver",
		"token new x --file F --role viewer --expires 1999-01-01":      "is not a time",
		"token new x --file F --role viewer --expires 999999d":         "is not a time",
		"token new x --file F --role viewer --expires=-1h":             "is not in the future",
		"token new x --file F --role viewer --expires 0d":              "is not in the future",
		"token new x --file F --role viewer --scope a=b --scope a=c":   "given twice",
		"token new scoped --file F --role viewer":                      "--rotate",
		"token new scoped --file F --rotate --role viewer":             "--rotate only adds a secret",
		"token new x --file F --rotate":                                "swarmcall token list",
		"token new x --file F --role driver":                           "labels must set team",
		"token new x --file F --role driver --driver-id a,b":           "cannot match the id of a driver",
		"token revoke x --file F":                                      "swarmcall token list",
		"token revoke scoped --file F --hash=":                         "--hash is empty",
		"token revoke scoped --file F --hash 00000000":                 "fingerprint",
		"token new x --file /nonexistent/auth.yaml --role viewer":      "no such file",
		"token new x --file F --role viewer --out /nonexistent/secret": "cannot write the secret",
	} {
		code, out, errs := call(t, strings.Fields(strings.ReplaceAll(args, " F", " "+path))...)
		if code != clierr.Usage || out != "" || !strings.Contains(errs, want) {
			t.Errorf("swarmcall %s: code %d, %q, %s; want %q", args, code, out, errs, want)
		}
	}
	if f := read(t, path); len(f.Tokens) != 1 {
		t.Errorf("refused calls have changed the file: %+v", f.Tokens)
	}
}

// failing cannot be written to.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestALostSecretIsReported(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.yaml")
	c := tokenNewCmd{Name: "x", Role: "viewer", authFile: authFile{File: path}}
	err := c.Run(t.Context(), streams{out: failing{}, err: &strings.Builder{}})
	if clierr.CodeOf(err) != clierr.Failed ||
		!strings.Contains(clierr.Text(err), "swarmcall token revoke x --file "+path) {
		t.Errorf("%v", err)
	}
}

func TestAuthCheck(t *testing.T) {
	path := filepath.Join(t.TempDir(), "auth.yaml")
	newToken(t, "ops", "--file", path, "--role", "admin")
	newToken(t, "ci", "--file", path, "--role", "controller", "--expires", "2d")
	newToken(t, "cd", "--file", path, "--role", "controller")
	code, out, errs := call(t, "auth", "check", path)
	if code != clierr.OK || errs != "" ||
		!strings.HasPrefix(out, path+" is valid: 3 tokens (2 controller, 1 admin)\n") ||
		!strings.Contains(out, "warning: token ops: an admin without expires") ||
		!strings.Contains(out, "warning: token ci: expires within 7 days") {
		t.Errorf("code %d, %s, %s", code, out, errs)
	}
	if err := os.WriteFile(path, []byte("tokens:\n- {name: a, hash: [swc_secret], role: x}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv(authFileEnv, path)
	code, out, errs = call(t, "auth", "check")
	if code != clierr.Usage || out != "" || !strings.Contains(errs, "line 2, token a: hash must be sha256:") ||
		!strings.Contains(errs, `line 2, token a: role is "x"`) || strings.Contains(errs, "swc_secret") {
		t.Errorf("code %d, %s, %s", code, out, errs)
	}
	code, _, errs = call(t, "auth", "check", path+".none")
	if code != clierr.Usage || !strings.Contains(errs, "no such") {
		t.Errorf("no file: code %d, %s", code, errs)
	}
}
