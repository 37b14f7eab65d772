package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

func ready(ok bool) func(context.Context) []Check {
	return func(context.Context) []Check {
		return []Check{{Name: "log", OK: ok, Detail: map[bool]string{false: "disk full"}[ok]},
			{Name: "server", OK: true}}
	}
}

func TestReadyz(t *testing.T) {
	if a := newWorld(t, func(c *Config) { c.Ready = ready(true) }).do(t, "GET", "/readyz",
		""); a.StatusCode != http.StatusOK {
		t.Errorf("ready: %d %s", a.StatusCode, a.body)
	}
	a := newWorld(t, func(c *Config) { c.Ready = ready(false) }).do(t, "GET", "/readyz", "")
	if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" ||
		!strings.Contains(a.body, "disk full") {
		t.Errorf("not ready: %d, Retry-After %q, %s", a.StatusCode, a.Header.Get("Retry-After"), a.body)
	}
}

func TestLivezVersionAndSpec(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Version = Version{"v1", "abc", "go1"} })
	if a := w.do(t, "GET", "/livez", ""); a.StatusCode != http.StatusOK {
		t.Errorf("livez: %d", a.StatusCode)
	}
	if a := w.do(t, "GET", "/version", ""); !strings.Contains(a.body, `"revision":"abc"`) {
		t.Errorf("version: %s", a.body)
	}
	if a := w.do(t, "GET", "/openapi.yaml", ""); !strings.HasPrefix(a.body, "openapi: 3.1.0") ||
		a.Header.Get("Content-Type") != "application/yaml" {
		t.Errorf("spec: %q %.40s", a.Header.Get("Content-Type"), a.body)
	}
}
