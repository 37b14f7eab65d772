package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// unwanted are words of a private dialect. Texts for users must not contain them; docs/glossary.md has the usual terms.
var unwanted = regexp.MustCompile(`(?i)\b(mend(s|ed|ing)?|anew|whoever|gone home|goes home|slip of the pen|not as asked|as asked)\b|\broom=`)

// kept are strings that programs rely on.
var kept = map[string]bool{
	`json:"mend,omitempty"`: true, // a key of `doctor -o json`
}

// TestPlainWords reads every string of the programs, every page, script, help text, API document and document.
func TestPlainWords(t *testing.T) {
	read := 0
	err := filepath.WalkDir("../..", func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && len(e.Name()) > 2, e.IsDir() &&
			(e.Name() == "node_modules" || e.Name() == "testdata" || e.Name() == "bin"):
			return fs.SkipDir
		case e.IsDir(), strings.HasSuffix(path, "_test.go"), strings.HasSuffix(path, "_templ.go"):
			return nil
		// they may mention the old words
		case strings.Contains(path, "docs/decisions/"), strings.HasSuffix(path, "CHANGELOG.md"):
			return nil
		}
		read++
		if filepath.Ext(path) == ".go" {
			return stringsOf(t, path)
		}
		return linesOf(t, path)
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 300 {
		t.Errorf("only %d files were read", read)
	}
}

// stringsOf looks at the string literals of a Go file.
func stringsOf(t *testing.T, path string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if !ok || lit.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(lit.Value)
		if word := unwanted.FindString(text); err != nil || word != "" && !kept[text] {
			t.Errorf("%s: %q has the word %q, %v", files.Position(lit.Pos()), text, word, err)
		}
		return true
	})
	return nil
}

// linesOf looks at the lines of a text.
func linesOf(t *testing.T, path string) error {
	switch filepath.Ext(path) {
	case ".md", ".templ", ".js", ".mjs", ".yaml", ".yml", ".txt", ".py", "":
	default:
		return nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(b), "\n") {
		if word := unwanted.FindString(line); word != "" {
			t.Errorf("%s:%d: %q has the word %q", path, i+1, line, word)
		}
	}
	return nil
}
