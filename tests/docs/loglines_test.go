package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// varies stands in a message for a part that is not a constant.
const varies = "…"

// messages of calls whose message is not in the call, by file. Those of the server's flags are where they are added to
// app.Config.Warnings; those of the engine are in its own words.
var elsewhere = map[string][]string{
	"cmd/server/app/app.go":       nil,
	"internal/cmdlog/embedded.go": {`warn component="log engine"`, `error component="log engine"`},
}

// TestLogLines compares the tables of warnings and errors in docs/operating.md with the calls of loggers in the server.
func TestLogLines(t *testing.T) {
	doc := document(t, "docs", "operating.md")
	var have []string
	for _, c := range rows(section(t, doc, "## Log lines")) {
		for level := range strings.SplitSeq(c[1], ", ") {
			have = append(have, level+" "+bare(c[0]))
		}
	}
	var calls logCalls
	eachServerFile(t, func(path string, file *ast.File) { calls.read(t, path, file) })
	if len(calls.lines) < 40 {
		t.Errorf("found only %d calls", len(calls.lines))
	}
	compare(t, "## Log lines", have, calls.lines)
}

// TestReasonsOfTheServersEnd: the errors with which docs/operating.md says that a server ends are in the code.
func TestReasonsOfTheServersEnd(t *testing.T) {
	var texts []string
	eachServerFile(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if e, ok := n.(ast.Expr); ok {
				if text := message(e); strings.Trim(text, varies) != "" {
					texts = append(texts, text)
					return false // its parts are in it
				}
			}
			return true
		})
	})
	doc, seen := document(t, "docs", "operating.md"), 0
	for _, heading := range []string{"### When the server does not start", "### When the server ends by itself"} {
		for _, c := range rows(section(t, doc, heading)) {
			for _, text := range code(c[0]) {
				seen++
				text = strings.TrimPrefix(text, "log_unavailable: ") // a code and its detail
				if !slices.ContainsFunc(texts, func(s string) bool { return hasParts(s, text) }) {
					t.Errorf("docs/operating.md, %s: no text of the code is like %q", heading, text)
				}
			}
		}
	}
	if seen < 30 {
		t.Errorf("found only %d texts", seen)
	}
}

// TestLinesOfAlerts: the lines that docs/operating.md says to alert on are lines of its own tables, whose beginnings it
// may quote.
func TestLinesOfAlerts(t *testing.T) {
	doc := document(t, "docs", "operating.md")
	lines, seen := rows(section(t, doc, "## Log lines")), 0
	for _, c := range rows(section(t, doc, "## Alerts")) {
		if !strings.HasPrefix(c[1], "line") {
			continue
		}
		for _, text := range code(c[1]) {
			if strings.HasPrefix(text, "--") || strings.HasPrefix(text, "swarmcall ") {
				continue
			}
			seen++
			if !slices.ContainsFunc(lines, func(c []string) bool {
				return strings.HasPrefix(first(c), strings.TrimSuffix(text, varies))
			}) {
				t.Errorf("docs/operating.md, ## Alerts: there is no line %q", text)
			}
		}
	}
	if seen < 5 {
		t.Errorf("found only %d lines", seen)
	}
}

// hasParts reports whether s has the parts of a text that do not vary, in order.
func hasParts(s, text string) bool {
	for part := range strings.SplitSeq(text, varies) {
		_, after, ok := strings.Cut(s, strings.TrimRight(part, ": "))
		if !ok {
			return false
		}
		s = after
	}
	return true
}

// eachServerFile parses the files of the server and its parts; test kits are not among them.
func eachServerFile(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	kits := []string{"swarmtest", "testenv", "servertest", "certtest", "viewtest"}
	for _, dir := range []string{"cmd/server", "internal", "web"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, e fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case e.IsDir() && slices.Contains(kits, e.Name()):
				return fs.SkipDir
			case filepath.Ext(path) != ".go", strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				path, err = filepath.Rel(root, path)
				visit(filepath.ToSlash(path), file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// logCalls are the lines of level warn and error that a program can log, each after its level.
type logCalls struct{ lines []string }

func (l *logCalls) read(t *testing.T, path string, file *ast.File) {
	t.Helper()
	for _, d := range file.Decls {
		levels := levelsIn(d)
		ast.Inspect(d, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if warning, ok := addedWarning(call); ok {
				l.lines = append(l.lines, "warn "+message(warning))
				return true
			}
			at, of := level(call, levels)
			if len(of) == 0 {
				return true
			}
			text := message(call.Args[at])
			if text == varies {
				found, known := elsewhere[path]
				if !known {
					t.Errorf("%s: a call of %s has no constant in its message", path, call.Fun.(*ast.SelectorExpr).Sel.Name)
				}
				l.lines = append(l.lines, found...)
				return true
			}
			for _, level := range of {
				l.lines = append(l.lines, level+" "+text)
			}
			return true
		})
	}
}

// level returns the levels of a call of a logger, and where its message is; no level for any other call.
func level(call *ast.CallExpr, around []string) (message int, levels []string) {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return 0, nil
	}
	if of, ok := f.X.(*ast.Ident); ok && of.Name == "http" { // http.Error
		return 0, nil
	}
	switch f.Sel.Name {
	case "Warn", "Error":
		return 0, []string{strings.ToLower(f.Sel.Name)}
	case "WarnContext", "ErrorContext":
		return 1, []string{strings.ToLower(strings.TrimSuffix(f.Sel.Name, "Context"))}
	case "Log", "LogAttrs":
		if len(call.Args) < 3 { // math.Log
			return 0, nil
		}
		if own := levelsIn(call.Args[1]); len(own) > 0 {
			around = own
		}
		if len(around) == 0 { // it is an argument of the function
			around = []string{"info", "warn", "error"}
		}
		return 2, slices.DeleteFunc(slices.Clone(around), func(s string) bool { return s != "warn" && s != "error" })
	}
	return 0, nil
}

// levelsIn returns the levels that a part of a file names.
func levelsIn(n ast.Node) (levels []string) {
	ast.Inspect(n, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if of, ok := s.X.(*ast.Ident); ok && of.Name == "slog" {
				if name, ok := strings.CutPrefix(s.Sel.Name, "Level"); ok && name != "" {
					levels = append(levels, strings.ToLower(name))
				}
			}
		}
		return true
	})
	return levels
}

// addedWarning returns what a call adds to app.Config.Warnings.
func addedWarning(call *ast.CallExpr) (ast.Expr, bool) {
	f, ok := call.Fun.(*ast.Ident)
	if !ok || f.Name != "append" || len(call.Args) != 2 {
		return nil, false
	}
	to, ok := call.Args[0].(*ast.SelectorExpr)
	return call.Args[1], ok && to.Sel.Name == "Warnings"
}

// verbs of formats stand for text that varies.
var verbs = regexp.MustCompile(`%[+#]?[a-z]`)

// message returns a text that an expression makes, with … for what is not a constant.
func message(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil && e.Kind == token.STRING {
			return verbs.ReplaceAllString(text, varies)
		}
	case *ast.BinaryExpr:
		if e.Op == token.ADD {
			return message(e.X) + message(e.Y)
		}
	case *ast.ParenExpr:
		return message(e.X)
	}
	return varies
}
