package docs

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
)

// TestDataFiles: what a server leaves in its data directory is in the table of docs/operating.md, with its mode; and
// what the table has without a number or * in its name is there.
func TestDataFiles(t *testing.T) {
	cfg := servertest.Config(t)
	cfg.DataDir, cfg.AuthFile = filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "auth.yaml")
	row := fmt.Sprintf("tokens:\n  - {name: ops, hash: [\"sha256:%064d\"], role: admin}\n", 1)
	if err := os.WriteFile(cfg.AuthFile, []byte(row), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.WebhooksFile = filepath.Join(t.TempDir(), "webhooks.yaml")
	hook := "webhooks: [{name: a, url: 'http://127.0.0.1:1/', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]\n"
	if err := os.WriteFile(cfg.WebhooksFile, []byte(hook), 0o600); err != nil {
		t.Fatal(err)
	}
	servertest.Start(t, cfg).Stop()

	modes := map[string]string{} // by the name of the table
	for _, c := range rows(section(t, document(t, "docs", "operating.md"), "## Files")) {
		if name := bare(c[0]); !strings.HasPrefix(name, "--") {
			modes[strings.TrimSuffix(name, "/")] = c[1]
		}
	}
	there := map[string]bool{}
	err := filepath.WalkDir(cfg.DataDir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		}
		if mode := info.Mode().Perm(); mode != want {
			t.Errorf("%s has the mode %04o", path, mode)
		}
		if filepath.Dir(path) != cfg.DataDir {
			return nil
		}
		there[e.Name()] = true
		if mode := fmt.Sprintf("%04o", info.Mode().Perm()); modes[e.Name()] != mode {
			t.Errorf("%s has the mode %s; docs/operating.md says %q", e.Name(), mode, modes[e.Name()])
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range modes {
		if sometimes := regexp.MustCompile(`N|\*`).MatchString(name); !sometimes && !there[name] {
			t.Errorf("docs/operating.md has the file %s, and a server does not", name)
		}
	}
}
