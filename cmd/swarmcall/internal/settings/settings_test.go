package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// unknown stands for a system that knows neither user nor host.
func unknown() (user, host string) { return "", "" }

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPrecedence removes one source after the other.
func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	project := write(t, filepath.Join(dir, "p", ProjectFile), "url: http://project\n")
	user := write(t, filepath.Join(dir, "user.yaml"), "url: http://user\nsubmitter: me\n")
	env := map[string]string{"SWARMCALL_URL": "http://env", "USER": "eve"}
	in := Input{
		URL: "http://flag", Who: unknown, Env: func(n string) string { return env[n] },
		Dir: filepath.Join(dir, "p", "deep", "er"), UserFile: user,
	}
	check := func(url, origin string) {
		t.Helper()
		s, err := Resolve(in)
		if err != nil || s.URL != (Value{url, origin}) || s.Submitter != (Value{"me", user}) {
			t.Errorf("%+v, %v; want %s from %s", s, err, url, origin)
		}
	}
	check("http://flag", "--url")
	in.URL = ""
	check("http://env", "SWARMCALL_URL")
	env["SWARMCALL_URL"] = ""
	check("http://project", project)
	if err := os.Remove(project); err != nil {
		t.Fatal(err)
	}
	check("http://user", user)
	in.UserFile = ""
	if s, err := Resolve(in); err != nil || s.URL != (Value{DefaultURL, "default"}) ||
		s.Submitter != (Value{"eve@unknown", "default"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestContexts(t *testing.T) {
	dir := t.TempDir()
	user := write(t, filepath.Join(dir, "user.yaml"),
		"context: a\ncontexts:\n  a: {url: http://a, token_file: a.token}\n  b: {url: http://b}\n")
	env := map[string]string{}
	in := Input{Who: unknown, Env: func(n string) string { return env[n] }, UserFile: user}
	url := func(want, origin string) {
		t.Helper()
		if s, err := Resolve(in); err != nil || s.URL.Value != want || !strings.HasSuffix(s.URL.Origin, origin) {
			t.Errorf("%+v, %v; want %s", s, err, want)
		}
	}
	url("http://a", "user.yaml, context a")
	if s, _ := Resolve(in); s.TokenFile.Value != filepath.Join(dir, "a.token") {
		t.Errorf("the token file is %+v", s.TokenFile)
	}
	env["SWARMCALL_URL"] = "http://env"
	url("http://env", "SWARMCALL_URL") // the environment has priority over the file's context
	in.Context = "b"
	url("http://b", "context b") // the flag's context has priority over the environment
	in.Context = "c"
	if _, err := Resolve(in); clierr.CodeOf(err) != clierr.Usage || !strings.Contains(clierr.Text(err), "a, b") {
		t.Errorf("an unknown context: %v", err)
	}
}

// TestAProjectDoesNotGetTheUsersToken: cloning a repository must not be enough to leak a token.
func TestAProjectDoesNotGetTheUsersToken(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, ProjectFile), "url: http://evil\n")
	user := write(t, filepath.Join(dir, "user.yaml"), "token_file: secret\n")
	in := Input{Who: unknown, Env: func(string) string { return "" }, Dir: dir, UserFile: user}
	if _, err := Resolve(in); clierr.CodeOf(err) != clierr.Usage {
		t.Errorf("it is sent: %v", err)
	}
	write(t, user, "url: http://other\ntoken_file: secret\n")
	if _, err := Resolve(in); clierr.CodeOf(err) != clierr.Usage {
		t.Errorf("a token for another server: %v", err)
	}
	write(t, user, "url: http://evil\ntoken_file: secret\n")
	if _, err := Resolve(in); err != nil {
		t.Errorf("a token that its owner keeps for this very server: %v", err)
	}
	write(t, user, "token_file: secret\n")
	in.URL = "http://mine"
	if _, err := Resolve(in); err != nil {
		t.Errorf("to a server of one's own: %v", err)
	}
	in.URL, in.TokenFile = "", "given"
	if _, err := Resolve(in); err != nil {
		t.Errorf("given for this call: %v", err)
	}
}

// TestAProjectDoesNotVouchForServers: a CA file of a project does not make a server look like the user's own.
func TestAProjectDoesNotVouchForServers(t *testing.T) {
	dir := t.TempDir()
	project := write(t, filepath.Join(dir, ProjectFile), "ca_file: evil.pem\n")
	user := write(t, filepath.Join(dir, "u", "user.yaml"), "url: https://mine\ntoken_file: secret\n")
	env := map[string]string{}
	in := Input{Who: unknown, Env: func(n string) string { return env[n] }, Dir: dir, UserFile: user}
	refused := func(want bool, why string) {
		t.Helper()
		if _, err := Resolve(in); (clierr.CodeOf(err) == clierr.Usage) != want || (err != nil) != want {
			t.Errorf("%s: %v", why, err)
		}
	}
	refused(true, "url and token are the user's")
	in.URL = "https://mine"
	refused(true, "the url is given for this call")
	in.CAFile = "own.pem"
	refused(false, "the CA file is given for this call")
	in.CAFile, env["SWARMCALL_CA_FILE"] = "", "own.pem"
	refused(false, "the CA file is in the environment")
	delete(env, "SWARMCALL_CA_FILE")
	env["SWARMCALL_TOKEN_FILE"] = "given"
	refused(false, "the token is given for this call")
	delete(env, "SWARMCALL_TOKEN_FILE")
	write(t, user, "url: https://mine\n")
	refused(false, "there is no token")
	write(t, project, "context: p\ncontexts: {p: {ca_file: evil.pem}}\n")
	write(t, user, "url: https://mine\ntoken_file: secret\n")
	in.URL = ""
	refused(true, "the CA file is in a context of the project")
}

func TestCAFile(t *testing.T) {
	dir := t.TempDir()
	user := write(t, filepath.Join(dir, "user.yaml"),
		"ca_file: top.pem\ncontexts:\n  a: {url: https://a, ca_file: sub/a.pem}\n")
	env := map[string]string{}
	in := Input{Who: unknown, Env: func(n string) string { return env[n] }, UserFile: user}
	want := func(value, origin string) {
		t.Helper()
		if s, err := Resolve(in); err != nil || s.CAFile != (Value{value, origin}) {
			t.Errorf("%+v, %v; want %s from %s", s.CAFile, err, value, origin)
		}
	}
	want(filepath.Join(dir, "top.pem"), user)
	in.Context = "a"
	want(filepath.Join(dir, "sub", "a.pem"), user+", context a")
	env["SWARMCALL_CA_FILE"], in.Context = "env.pem", ""
	want("env.pem", "SWARMCALL_CA_FILE")
	in.CAFile = "flag.pem"
	want("flag.pem", "--ca-file")
}

func TestRoots(t *testing.T) {
	if roots, err := (Settings{}).Roots(); roots != nil || err != nil {
		t.Errorf("without a file: %v, %v", roots, err)
	}
	path := write(t, filepath.Join(t.TempDir(), "ca.pem"), "no certificate\n")
	for _, bad := range []string{path, path + "no", filepath.Dir(path)} {
		_, err := (Settings{CAFile: Value{bad, "--ca-file"}}).Roots()
		if clierr.CodeOf(err) != clierr.Usage || !strings.Contains(clierr.Text(err), bad) ||
			!strings.Contains(clierr.Text(err), "--ca-file") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestFilesAreReadStrictly(t *testing.T) {
	for _, bad := range []string{"urll: x\n", "url: [1]\n", "\tx", "contexts: {a: {link: x}}\n"} {
		path := write(t, filepath.Join(t.TempDir(), "f"), bad)
		if _, err := Read(path); clierr.CodeOf(err) != clierr.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if f, err := Read(write(t, filepath.Join(t.TempDir(), "f"), "")); err != nil || f.Own.URL != "" {
		t.Errorf("an empty file: %v", err)
	}
}

func TestWriteAndReadBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "config.yaml")
	f := &File{Path: path, Context: "a", Contexts: map[string]Context{"a": {URL: "http://a"}}}
	if err := f.Write(); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil || back.Context != "a" || back.Contexts["a"].URL != "http://a" {
		t.Errorf("%+v, %v", back, err)
	}
	entries, _ := os.ReadDir(filepath.Dir(path))
	if len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestToken(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "token"), "swt_x\n")
	if token, err := (Settings{TokenFile: Value{path, "x"}}).Token(); err != nil || token != "swt_x" {
		t.Errorf("%q, %v", token, err)
	}
	if _, err := (Settings{TokenFile: Value{path + "no", "x"}}).Token(); clierr.CodeOf(err) != clierr.Auth {
		t.Errorf("%v", err)
	}
}

func TestSubmitterFits(t *testing.T) {
	for env, want := range map[string]string{"GITHUB_REPOSITORY=o/r": "ci/o/r", "CI_PROJECT_PATH=g/p": "ci/g/p",
		"USER=jö e": "j--e@box", "USER=ö": "unknown@box", "": "me@box"} {
		name, value, _ := strings.Cut(env, "=")
		in := Input{Who: func() (string, string) { return "me", "box" }, Env: func(n string) string {
			if n == name {
				return value
			}
			return ""
		}}
		got := in.defaultSubmitter()
		if got != want {
			t.Errorf("%s: %s, want %s", env, got, want)
		}
	}
}

// TestSender: with a token only a flag names a submitter.
func TestSender(t *testing.T) {
	for _, tc := range []struct{ token, submitter, origin, want string }{
		{"", "me@box", "default", "me@box"},
		{"", "ci", "user.yaml", "ci"},
		{"t", "me@box", "default", ""},
		{"t", "ci", "user.yaml", ""},
		{"t", "ci", "--submitter", "ci"},
	} {
		s := Settings{TokenFile: Value{Value: tc.token}, Submitter: Value{tc.submitter, tc.origin}}
		if got := s.Sender(); got != tc.want {
			t.Errorf("%+v: %q", tc, got)
		}
	}
}
