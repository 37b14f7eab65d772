// Package docs checks the documents against the source: links lead somewhere, named tests exist, the example compiles.
package docs

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

var nameForm = regexp.MustCompile(`^[A-Za-z]\w*$`)

var linkForm = regexp.MustCompile(`\[([^\]]+)\]\(([^)#\s]+)[^)]*\)`)

func TestLinks(t *testing.T) {
	links := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || (strings.HasPrefix(d.Name(), ".") && path != root)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range linkForm.FindAllStringSubmatch(string(b), -1) {
			if text, to := m[1], m[2]; !strings.Contains(to, ":") {
				links++
				checkLink(t, path, text, filepath.Join(filepath.Dir(path), to))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if links == 0 {
		t.Error("found no link: the form is wrong")
	}
}

// checkLink checks that a link leads to a file, and one that names a function in a Go file to that function.
func checkLink(t *testing.T, in, text, to string) {
	t.Helper()
	info, err := os.Stat(to)
	if err != nil {
		t.Errorf("%s: [%s] leads nowhere: %v", in, text, err)
		return
	}
	if info.IsDir() || filepath.Ext(to) != ".go" || !nameForm.MatchString(text) {
		return
	}
	b, err := os.ReadFile(to)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "func "+text+"(") {
		t.Errorf("%s: there is no func %s in %s", in, text, to)
	}
}

var (
	anchorForm = regexp.MustCompile(`\[[^\]]+\]\(([^)#\s]*)#([^)\s]+)\)`)
	dropped    = regexp.MustCompile("[^a-z0-9 _-]")
)

// TestAnchors: a link to a part of a document leads to a heading of it.
func TestAnchors(t *testing.T) {
	anchors := map[string][]string{}
	for path, text := range documents(t) {
		for _, h := range headings.FindAllString(fences.ReplaceAllString(text, ""), -1) {
			slug := dropped.ReplaceAllString(strings.ToLower(strings.TrimLeft(h, "# ")), "")
			anchors[filepath.Base(path)] = append(anchors[filepath.Base(path)], strings.ReplaceAll(slug, " ", "-"))
		}
	}
	links := 0
	for path, text := range documents(t) {
		for _, m := range anchorForm.FindAllStringSubmatch(text, -1) {
			to := filepath.Base(path)
			if m[1] != "" {
				to = filepath.Base(m[1])
			}
			if filepath.Ext(to) != ".md" || strings.Contains(m[1], ":") {
				continue
			}
			links++
			if !slices.Contains(anchors[to], m[2]) {
				t.Errorf("%s: there is no heading #%s in %s", path, m[2], to)
			}
		}
	}
	if links < 50 {
		t.Errorf("found only %d links to headings", links)
	}
}

// TestExampleCompiles builds the driver that the README shows.
func TestExampleCompiles(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, example, ok := strings.Cut(string(b), "```go\n")
	example, _, closed := strings.Cut(example, "```")
	if !ok || !closed {
		t.Fatal("the README shows no Go")
	}
	if lines := strings.Count(example, "\n"); lines > 40 {
		t.Errorf("the example has %d lines; more than 40 frighten", lines)
	}
	file := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "vet", file)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go vet: %v\n%s", err, out)
	}
	format := exec.Command("gofmt", "-l", file)
	if out, err := format.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("gofmt: %v %s", err, out)
	}
}
