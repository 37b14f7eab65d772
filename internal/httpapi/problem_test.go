package httpapi

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// brokenConnection is an answer to a client that has disconnected.
type brokenConnection struct {
	http.ResponseWriter
	err error
}

func (c brokenConnection) Write([]byte) (int, error) {
	return 0, &net.OpError{Op: "write", Net: "tcp", Err: c.err}
}

// TestABrokenConnectionIsNotLoggedAsAnError: a client disconnects while its answer is written.
func TestABrokenConnectionIsNotLoggedAsAnError(t *testing.T) {
	for _, err := range []error{
		os.NewSyscallError("write", syscall.EPIPE), os.NewSyscallError("write", syscall.ECONNRESET), net.ErrClosed,
	} {
		for _, path := range []string{"/commands", "/drivers", "/state", "/version"} {
			var lines strings.Builder
			w := newWorld(t, func(c *Config) {
				c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
			})
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Host = "127.0.0.1:8080"
			w.handler.ServeHTTP(brokenConnection{httptest.NewRecorder(), err}, r)
			if lines.Len() > 0 {
				t.Errorf("%s, %v: logged %s", path, err, lines.String())
			}
		}
	}
}

// brokenFeed has a record and cannot read it.
type brokenFeed struct{ err error }

func (brokenFeed) Last() uint64 { return 1 }

func (f brokenFeed) After(context.Context, uint64) ([]*swarm.Event, error) { return nil, f.err }

// TestAnExportOfADisconnectedClientIsNotLoggedAsAnError: it disconnects while the log is read.
func TestAnExportOfADisconnectedClientIsNotLoggedAsAnError(t *testing.T) {
	for err, logged := range map[error]bool{context.Canceled: false, errors.New("the disk failed"): true} {
		var lines strings.Builder
		w := newWorld(t, func(c *Config) {
			c.Feed = brokenFeed{err}
			c.Logger = slog.New(slog.NewTextHandler(&lines, &slog.HandlerOptions{Level: slog.LevelWarn}))
		})
		ctx, disconnect := context.WithCancel(t.Context())
		disconnect()
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/commands/export", nil)
		r.Host = "127.0.0.1:8080"
		func() {
			defer func() {
				if recover() != http.ErrAbortHandler { //nolint:errorlint // exactly this value, as net/http compares it
					t.Errorf("%v: the answer looks complete", err)
				}
			}()
			w.handler.ServeHTTP(httptest.NewRecorder(), r)
		}()
		if got := strings.Contains(lines.String(), "level=ERROR"); got != logged {
			t.Errorf("%v: logged %q", err, lines.String())
		}
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
	w.refuse = swarm.Errorf(swarm.CodeLogUnavailable, "the log is full") // /readyz shows this state
	if a := w.do(t, "POST", "/commands", stop); a.StatusCode != http.StatusServiceUnavailable || lines.Len() > 0 {
		t.Errorf("answered %d and logged %q", a.StatusCode, lines.String())
	}
	w.refuse = &swarm.Error{
		Code: swarm.CodeLogUnavailable, Detail: "the log accepts no entries", Cause: errors.New("the disk failed"),
	}
	if w.do(t, "POST", "/commands", stop); !strings.Contains(lines.String(), "level=ERROR") {
		t.Errorf("a log that fails: logged %q", lines.String())
	}
}
