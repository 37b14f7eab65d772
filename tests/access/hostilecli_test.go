package access

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// terminals are texts that a terminal or a spreadsheet would interpret.
var terminals = []string{
	"\x1b]0;pwned\a", "\x1b[2J\x1b[31mred", "\u009b31mred", "\x9b31mred", "a\rb", "a\bb\x7f",
	"\u202egpj.exe\u2066", "\u200b\u2028x",
	`=cmd|' /C calc'!A0`, `+1+cmd|'/C calc'!A0`, `@SUM(1+1)`, "<script>alert(1)</script>",
	"a\nsecond line", "%1b[31m", `\x1b[31m`,
}

// acts reports the first character of an output that a terminal would interpret.
func acts(out string) (r rune, found bool) {
	for i, r := range out {
		control := unicode.IsControl(r) && r != '\n' && r != '\t'
		broken := r == utf8.RuneError && !strings.HasPrefix(out[i:], "\uFFFD")
		if control || broken || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) {
			return r, true
		}
	}
	return 0, false
}

// hostileServer answers every request with a payload in every text.
func hostileServer(t *testing.T, payload string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/whoami" || r.URL.RawQuery != "" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusForbidden)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"type": payload, "title": payload, "status": 403, "detail": payload, "instance": payload, "code": payload,
				"request_id": payload, "errors": []any{map[string]any{"pointer": payload, "detail": payload}},
				"labels": map[string]string{payload: payload},
			})
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"name": payload, "role": payload, "scope": map[string]string{payload: payload}, "expires_at": nil,
		})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestHostileTextsOnTheTerminal: neither a server nor an auth file makes the command line print what a terminal would
// interpret.
func TestHostileTextsOnTheTerminal(t *testing.T) {
	p := &programs{world: newWorld(t, map[string]string{"root": "admin"}), canaries: newCanaries(t), dir: build(t)}
	p.Server = &servertest.Server{}
	cells, live := 0, 0
	look := func(payload, stdin string, args ...string) {
		cmd := p.command([]string{"GITHUB_ACTIONS="}, "swarmcall", args...)
		cmd.Stdin = strings.NewReader(stdin)
		out, _ := cmd.CombinedOutput() // most calls fail
		cells++
		if r, found := acts(string(out)); found {
			live++
			t.Errorf("swarmcall %q of %q prints %U:\n%q", args, payload, r, out)
		}
	}
	file := p.file("root")
	for _, payload := range terminals {
		url := hostileServer(t, payload)
		for _, line := range []string{"whoami", "whoami -o json", "whoami -o yaml", "whoami -o jsonl", "whoami -o wide",
			"whoami -o name",
			"whoami -o table", "state", "drivers", "commands", "stop --yes", "doctor", "doctor -o json", "whoami --debug"} {
			look(payload, "", append(strings.Fields(line), "--token-file", file, "--url", url, "--retry-for", "0s")...)
		}
		look(payload, p.secret("root"), "login", "--url", url)
		look(payload, "", "logout")
		look(payload, "", "token", "new", payload, "--role", payload, "--auth-file", p.path)
		look(payload, "", "token", "revoke", payload, "--auth-file", p.path)
		look(payload, "", "whoami", "--url", url, "--context", payload)
		look(payload, "", "whoami", "--url", url, "--token-file", payload)
		look(payload, "", "auth", "check", hostileAuthFile(t, payload))
		for _, form := range []string{"auto", "json", "yaml", "jsonl", "wide", "name", "table"} {
			look(payload, "", "token", "list", "-o", form, "--auth-file", hostileAuthFile(t, payload))
		}
	}
	t.Logf("%d of %d outputs are more than text", live, cells)
}

// hostileAuthFile has a payload in every text. It is valid if labels may have the payload.
func hostileAuthFile(t *testing.T, payload string) string {
	t.Helper()
	secret, _ := authfile.NewSecret()
	hash := authfile.Hash(secret)
	name := payload
	if len(swarm.ValidateLabels(map[string]string{"team": payload}, "")) == 0 {
		name = "x"
	}
	text := fmt.Sprintf("tokens:\n  - {name: %q, hash: [\"sha256:%s\"], role: controller, scope: {team: %q}}\n", name,
		hex.EncodeToString(hash[:]), payload)
	path := filepath.Join(t.TempDir(), "auth.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
