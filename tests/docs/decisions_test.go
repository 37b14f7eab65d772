package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	decisions    = filepath.Join(root, "docs", "decisions")
	decisionFile = regexp.MustCompile(`^(\d{4})-[a-z0-9]+(-[a-z0-9]+)*\.md$`)
	decisionDate = regexp.MustCompile(`^Date: \d{4}-\d\d-\d\d\. Status: (proposed|accepted|replaced)\b`)
	decisionRow  = regexp.MustCompile(`(?m)^\| (\d+) \| \d* \| \[(.+)\]\(([^)]+)\) \|`)
)

// TestDecisions checks that the files of docs/decisions have one format and numbers without gaps, and that the index
// lists exactly these files.
func TestDecisions(t *testing.T) {
	files, err := os.ReadDir(decisions)
	if err != nil {
		t.Fatal(err)
	}
	var want []string // the rows of the index
	for _, f := range files {
		if f.Name() == "README.md" {
			continue
		}
		number := len(want) + 1
		form := decisionFile.FindStringSubmatch(f.Name())
		if form == nil || form[1] != fmt.Sprintf("%04d", number) {
			t.Errorf("%s: its name has to be %04d-words-with-hyphens.md", f.Name(), number)
		}
		want = append(want, fmt.Sprintf("%d %s %s", number, decisionTitle(t, f.Name(), number), f.Name()))
	}
	index, err := os.ReadFile(filepath.Join(decisions, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range decisionRow.FindAllStringSubmatch(string(index), -1) {
		got = append(got, strings.Join(m[1:], " "))
	}
	for i := range max(len(got), len(want)) {
		if g, w := at(got, i), at(want, i); g != w {
			t.Errorf("row %d of the index is %q; want %q", i+1, g, w)
		}
	}
	if len(want) == 0 {
		t.Error("found no decision")
	}
}

// decisionTitle returns the title of a decision, whose parts it checks.
func decisionTitle(t *testing.T, name string, number int) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(decisions, name))
	if err != nil {
		t.Fatal(err)
	}
	head, text, _ := strings.Cut(string(b), "\n\n")
	title, ok := strings.CutPrefix(head, fmt.Sprintf("# %d. ", number))
	if !ok || strings.Contains(title, "\n") {
		t.Errorf("%s begins with %q; want # %d. and its title", name, head, number)
	}
	if !decisionDate.MatchString(text) {
		t.Errorf("%s: the title is not followed by a date and a status", name)
	}
	var parts []string
	for _, section := range strings.Split(text, "\n## ")[1:] {
		part, words, _ := strings.Cut(section, "\n")
		parts = append(parts, part)
		if strings.TrimSpace(words) == "" {
			t.Errorf("%s: %s is empty", name, part)
		}
	}
	if got := strings.Join(parts, ", "); got != "Context, Decision, Consequences" {
		t.Errorf("%s has the parts %s", name, got)
	}
	return title
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return ""
}
