package httpapi

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// codes reads the constants of type Code from the source, so that a new one cannot be forgotten here.
func codes(t *testing.T) (out []swarm.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../swarm/error.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); ok && name.Name == "Code" {
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, swarm.Code(value))
		}
		return true
	})
	return out
}

func TestEveryCodeHasAStatusAndIsInTheContract(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(api.Spec)
	if err != nil {
		t.Fatal(err)
	}
	var contract []swarm.Code
	for _, v := range doc.Components.Schemas["Problem"].Value.Properties["code"].Value.Enum {
		contract = append(contract, swarm.Code(v.(string)))
	}
	all := codes(t)
	if len(all) < 17 {
		t.Fatalf("found only %v in the source", all)
	}
	for _, c := range all {
		if kind, ok := statuses[c]; !ok || kind.status < 400 || kind.title == "" {
			t.Errorf("%s has no status or no title", c)
		}
		if !slices.Contains(contract, c) {
			t.Errorf("%s is not in api/openapi.yaml", c)
		}
	}
	for _, c := range contract {
		if !slices.Contains(all, c) {
			t.Errorf("api/openapi.yaml has %s, which is no code", c)
		}
	}
	for c := range statuses {
		if !slices.Contains(all, c) {
			t.Errorf("the map has %s, which is no code", c)
		}
	}
}

func TestProblemsOfSubmitting(t *testing.T) {
	w := newWorld(t, nil)
	seq := w.do(t, "POST", "/commands", stop).Seq
	for code := range statuses {
		w.refuse = &swarm.Error{Code: code, Detail: "d", Attrs: map[string]any{"seq": seq}, Cause: errors.New("secret")}
		a := w.do(t, "POST", "/commands", stop)
		a.refused(t, statuses[code].status, string(code))
		if got := a.Header.Get("Retry-After") != ""; got != (a.StatusCode == http.StatusServiceUnavailable ||
			a.StatusCode == http.StatusTooManyRequests) {
			t.Errorf("%s: Retry-After %q", code, a.Header.Get("Retry-After"))
		}
		if shown := a.Entry != nil; shown != (code == swarm.CodeNewerCommand) {
			t.Errorf("%s: shows an entry: %v", code, shown)
		}
	}
	w.refuse = &swarm.Error{Code: swarm.CodeNotEnoughDrivers,
		Attrs: map[string]any{"have": 2, "want": 3, "status": "fake", "code": "fake"}}
	a := w.do(t, "POST", "/commands", stop)
	a.refused(t, http.StatusConflict, "not_enough_drivers") // attributes cannot overwrite members of a problem document
}

func TestUnknownErrorsAreInternal(t *testing.T) {
	w := newWorld(t, nil)
	w.broken = errors.New("secret path /var/lib")
	for _, path := range []string{"/commands", "/commands/2"} {
		a := w.do(t, "GET", path, "")
		a.refused(t, http.StatusInternalServerError, "internal")
		if slices.Contains([]string{a.Detail, a.body}, "secret") {
			t.Errorf("the answer tells the cause: %s", a.body)
		}
	}
	w.refuse = &swarm.Error{Code: "no_such_code", Detail: "x"}
	if a := w.do(t, "GET", "/commands", ""); a.StatusCode != http.StatusInternalServerError {
		t.Errorf("an unmapped code: %d", a.StatusCode)
	}
}

// TestADisconnectedClientGetsNoAnswer: its canceled wait is not an error of the server.
func TestADisconnectedClientGetsNoAnswer(t *testing.T) {
	p := &problems{logger: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	rec := httptest.NewRecorder()
	p.write(rec, httptest.NewRequestWithContext(ctx, "GET", "/commands/2", nil), ctx.Err())
	if rec.Body.Len() > 0 {
		t.Errorf("wrote %s", rec.Body)
	}
}

// TestExpectedRefusalsAreNotLoggedAsErrors: a server that stops refuses requests, and a client may disconnect.
func TestExpectedRefusalsAreNotLoggedAsErrors(t *testing.T) {
	var lines strings.Builder
	w := newWorld(t, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
	})
	w.refuse = swarm.Errorf(swarm.CodeShuttingDown, "the server is stopping")
	if a := w.do(t, "POST", "/commands", stop); a.StatusCode != http.StatusServiceUnavailable || lines.Len() > 0 {
		t.Errorf("answered %d and logged %q", a.StatusCode, lines.String())
	}
	w.refuse = swarm.Errorf(swarm.CodeLogUnavailable, "the disk is full")
	if w.do(t, "POST", "/commands", stop); !strings.Contains(lines.String(), "level=ERROR") {
		t.Errorf("a log that fails: logged %q", lines.String())
	}
}
