package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"go.yaml.in/yaml/v3"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/metrics"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestOperating compares the tables of docs/operating.md with the code. Each row of a table and each thing in the code
// becomes a line with what must agree; a line that only one of the two has is an error.
func TestOperating(t *testing.T) {
	doc := document(t, "docs", "operating.md")
	for heading, table := range map[string]struct {
		line func(cells []string) string // of a row
		code []string
	}{
		"## Flags":                         {flagLine, serverFlags(t)},
		"### Routes of the second address": {first, opsRoutes(t)},
		"## Routes":                        {func(c []string) string { return bare(c[0]) + " " + c[1] }, routes()},
		"## Metrics": {
			func(c []string) string { return strings.TrimSpace(bare(strings.Join(c[:3], " "))) }, metricNames(),
		},
		"### Rules": {func(c []string) string { return bare(c[0]) + " " + c[1] }, alertRules(t)},
		"## Errors": {func(c []string) string { return c[0] + " " + bare(c[1]) }, errorCodes(t)},
		"## Close codes": {
			func(c []string) string { return c[0] + " " + c[2] }, closeCodes(t),
		},
		"### Exit codes of the server":       {first, serverExitCodes(t)},
		"### Exit codes of the command line": {first, exitCodes(t)},
	} {
		var have []string
		for _, cells := range rows(section(t, doc, heading)) {
			have = append(have, table.line(cells))
		}
		compare(t, heading, have, table.code)
	}
}

// compare reports what only one of the two has, and what the document has twice.
func compare(t *testing.T, heading string, doc, code []string) {
	t.Helper()
	if len(code) == 0 {
		t.Errorf("%s: found nothing in the code", heading)
	}
	slices.Sort(doc)
	for i, line := range doc {
		if i > 0 && line == doc[i-1] {
			t.Errorf("docs/operating.md, %s: %q is there twice", heading, line)
		}
		if !slices.Contains(code, line) {
			t.Errorf("docs/operating.md, %s: %q is not in the code", heading, line)
		}
	}
	for _, line := range slices.Compact(slices.Sorted(slices.Values(code))) {
		if !slices.Contains(doc, line) {
			t.Errorf("docs/operating.md, %s: %q of the code is missing", heading, line)
		}
	}
}

func first(cells []string) string { return bare(cells[0]) }

// bare removes the marks of code.
func bare(cell string) string { return strings.ReplaceAll(cell, "`", "") }

// flagLine is the name of a flag, its variable and its default.
func flagLine(c []string) string {
	return strings.Join([]string{code(c[0])[0], bare(c[1]), bare(c[2])}, " ")
}

var (
	helpRow     = regexp.MustCompile(`(?m)^ +(?:-\w, +)?--([a-z-]+)(?:=(\S+))?(?: {2,}.*)?$`)
	helpEnv     = regexp.MustCompile(`\(\$(SWARMCALL_\w+)\)`)
	placeholder = regexp.MustCompile(`^[A-Z:]+(,(\.\.\.|…))?$`)
)

// serverFlags reads the flags from the help of the server, which a test of the server compares with what it prints.
func serverFlags(t *testing.T) (lines []string) {
	t.Helper()
	help := document(t, "cmd", "server", "testdata", "help.txt")
	found := helpRow.FindAllStringSubmatchIndex(help, -1)
	for i, m := range found {
		end := len(help)
		if i+1 < len(found) {
			end = found[i+1][0]
		}
		name, value, env := help[m[2]:m[3]], "", "–"
		if m[4] >= 0 {
			value = help[m[4]:m[5]]
		}
		if e := helpEnv.FindStringSubmatch(help[m[0]:end]); e != nil {
			env = e[1]
		}
		if value == "" || placeholder.MatchString(value) {
			value = appDefault(name)
		}
		lines = append(lines, "--"+name+" "+env+" "+strings.Trim(value, `"`))
	}
	return lines
}

// appDefault returns the default of a flag whose help shows a placeholder, "–" for none.
func appDefault(flag string) string {
	v := reflect.ValueOf(app.Defaults())
	field := v.FieldByNameFunc(func(name string) bool {
		return strings.EqualFold(name, strings.ReplaceAll(flag, "-", ""))
	})
	switch {
	case field.IsValid() && field.CanInt():
		return strconv.FormatInt(field.Int(), 10)
	case field.IsValid() && field.Kind() == reflect.String && field.String() != "":
		return field.String()
	}
	return "–"
}

func routes() (lines []string) {
	for _, r := range httpapi.Routes() {
		lines = append(lines, r.Method+" "+r.Pattern+" "+r.Needs)
	}
	return lines
}

// opsRoutes are the routes of --ops-listen.
func opsRoutes(t *testing.T) (lines []string) {
	t.Helper()
	handler := httpapi.NewOps(httpapi.Config{Metrics: http.NotFoundHandler(), Logger: slog.New(slog.DiscardHandler)})
	err := chi.Walk(handler.(chi.Routes),
		func(method, route string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
			lines = append(lines, method+" "+route)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// metricNames are the metrics of a server with TLS, each with its type and labels.
func metricNames() (lines []string) {
	m := metrics.New(metrics.Build{})
	m.Read(metrics.Sources{
		Certificate: func() time.Time { return time.Time{} }, Webhooks: func() []metrics.Webhook { return nil },
	})
	for _, row := range m.Table() {
		lines = append(lines, strings.TrimSpace(row.Name+" "+row.Type+" "+strings.Join(row.Labels, ", ")))
	}
	return lines
}

// alertRules are the rules of deploy/prometheus, each with its severity.
func alertRules(t *testing.T) (lines []string) {
	t.Helper()
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert  string
				Labels map[string]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(document(t, "deploy", "prometheus", "swarmcall.rules.yml")), &file); err != nil {
		t.Fatal(err)
	}
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			lines = append(lines, rule.Alert+" "+rule.Labels["severity"])
		}
	}
	return lines
}

func errorCodes(t *testing.T) (lines []string) {
	t.Helper()
	for _, code := range constants(t, "Code", "internal", "swarm", "error.go") {
		lines = append(lines, strconv.Itoa(httpapi.Status(swarm.Code(code)))+" "+code)
	}
	return lines
}

func closeCodes(t *testing.T) (lines []string) {
	t.Helper()
	does := map[wire.Action]string{wire.Stop: "stops", wire.Reconnect: "reconnects", wire.BackOff: "backs off"}
	for _, code := range constants(t, "CloseCode", "driver", "wire", "close.go") {
		n, err := strconv.Atoi(code)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, code+" "+does[wire.CloseCode(n).Action()])
	}
	return lines
}

func exitCodes(t *testing.T) []string {
	t.Helper()
	return constants(t, "Code", "cmd", "swarmcall", "internal", "clierr", "clierr.go")
}

// serverExitCodes are the numbers that the functions of the server's process return.
func serverExitCodes(t *testing.T) (lines []string) {
	t.Helper()
	for _, d := range parse(t, "cmd", "server", "main.go").Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Type.Results == nil {
			continue
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			ret, ok := n.(*ast.ReturnStmt)
			if !ok || len(ret.Results) != 1 {
				return true
			}
			if lit, ok := ret.Results[0].(*ast.BasicLit); ok && lit.Kind == token.INT {
				lines = append(lines, lit.Value)
			}
			return true
		})
	}
	return lines
}

// constants returns the values of the constants of a type in a file. Each must be a literal.
func constants(t *testing.T, kind string, path ...string) (values []string) {
	t.Helper()
	for _, d := range parse(t, path...).Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok || group.Tok != token.CONST {
			continue
		}
		for _, s := range group.Specs {
			spec := s.(*ast.ValueSpec)
			if of, ok := spec.Type.(*ast.Ident); !ok || of.Name != kind {
				continue
			}
			lit, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: the value of %s is not a literal", filepath.Join(path...), spec.Names[0].Name)
				continue
			}
			values = append(values, strings.Trim(lit.Value, `"`))
		}
	}
	return values
}

func parse(t *testing.T, path ...string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(append([]string{root}, path...)...), nil,
		parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// TestExitCodesOfTheHelp: the help of the command line has the same codes as docs/operating.md.
func TestExitCodesOfTheHelp(t *testing.T) {
	var help []string
	text := document(t, "cmd", "swarmcall", "help", "exit-codes.txt")
	for _, m := range regexp.MustCompile(`(?m)^ {2,4}(\d+)  `).FindAllStringSubmatch(text, -1) {
		help = append(help, m[1])
	}
	compare(t, "help exit-codes", help, exitCodes(t))
}
