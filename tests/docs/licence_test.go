package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// fetchesK6 matches how a script, a hint or a document would get k6, which is under the AGPL: users bring their own.
var fetchesK6 = regexp.MustCompile(`(?i)go\.k6\.io/k6|dl\.k6\.io|github\.com/grafana/k6/releases|` +
	`(grafana|loadimpact)/k6([:@\s"']|$)|setup-k6-action|` +
	`\b(apk|apt|apt-get|brew|choco|dnf|npm|pip|pipx|snap|winget|yum) (-\S+ )*(add|install|i)( [\w./@=-]+)*[ /]k6\b`)

func TestFetchesK6(t *testing.T) {
	for text, want := range map[string]bool{
		"go install go.k6.io/k6@v1.8.1": true,
		"apt-get install -y k6":         true,
		"brew install k6":               true,
		"docker pull grafana/k6:1.8.1":  true,
		"FROM grafana/k6:latest":        true,
		"docker run --rm grafana/k6":    true,
		`image: "grafana/k6"`:           true,
		"npm install left-pad k6":       true,
		"curl -L https://github.com/grafana/k6/releases/download/v1.8.1/k6.tar.gz": true,
		"uses: grafana/setup-k6-action@v1":                                         true,
		"k6 run script.js":                                                         false,
		"see https://github.com/grafana/k6/issues":                                 false,
		"make test-k6 K6=PATH":                                                     false,
	} {
		if got := fetchesK6.MatchString(text); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// TestNothingFetchesK6 looks through every file of the repository.
func TestNothingFetchesK6(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name := range strings.Lines(string(out)) {
		name = strings.TrimSpace(name)
		if name == "tests/docs/licence_test.go" || name == "CHANGELOG.md" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, and not yet committed
		}
		if err != nil {
			t.Fatal(err)
		}
		seen++
		for n, line := range strings.Split(string(text), "\n") {
			if fetchesK6.MatchString(line) {
				t.Errorf("%s:%d fetches k6, or tells to: %s", name, n+1, line)
			}
		}
	}
	if seen < 100 {
		t.Errorf("saw %d files", seen)
	}
}
