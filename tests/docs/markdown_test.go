package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	headings = regexp.MustCompile(`(?m)^(#+) .*$`)
	spans    = regexp.MustCompile("`([^`]+)`")
	fences   = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
)

// document returns the text of a file of the repository.
func document(t *testing.T, path ...string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(append([]string{root}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// documents returns the documents for users, by path. Decisions and the changelog may mention what no longer exists.
func documents(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{
		"README.md": document(t, "README.md"), "SECURITY.md": document(t, "SECURITY.md"),
		"CONTRIBUTING.md": document(t, "CONTRIBUTING.md"),
	}
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && e.Name() == "decisions":
			return fs.SkipDir
		case filepath.Ext(path) == ".md":
			all[path] = document(t, strings.TrimPrefix(path, root))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Errorf("found only %d documents", len(all))
	}
	return all
}

// section returns the text below a heading, up to the next one of its level or above.
func section(t *testing.T, text, heading string) string {
	t.Helper()
	level := len(heading) - len(strings.TrimLeft(heading, "#"))
	start := -1
	for _, m := range headings.FindAllStringSubmatchIndex(text, -1) {
		switch found := text[m[0]:m[1]]; {
		case start < 0 && found == heading:
			start = m[1]
		case start >= 0 && m[3]-m[2] <= level:
			return text[start:m[0]]
		}
	}
	if start < 0 {
		t.Fatalf("there is no heading %q", heading)
	}
	return text[start:]
}

// rows returns the rows of all tables of a text, without their headers; each row is its cells.
func rows(text string) (out [][]string) {
	head := true
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case !strings.HasPrefix(line, "|"):
			head = true
		case strings.HasPrefix(line, "|-"):
			head = false
		case !head:
			cells := strings.Split(strings.Trim(line, "|"), "|")
			for i, c := range cells {
				cells[i] = strings.TrimSpace(c)
			}
			out = append(out, cells)
		}
	}
	return out
}

// code returns the code spans of a text.
func code(text string) (out []string) {
	for _, m := range spans.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}
