package web_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// config returns the configuration of a dashboard of s, connected as the server connects it.
func config(s *webtest.Swarm) web.Config {
	return web.Config{
		Log: s, Fleet: s, Commands: s, Feed: s.Feed, Nodes: s.Nodes, DefaultDeadline: 2 * time.Second,
		Started:    time.Now().Add(-time.Hour),
		Remembered: func() []swarm.Former { return nil }, Ready: func(context.Context) []web.Check { return nil },
		Address: httpapi.Address, Status: httpapi.Status, Logger: slog.New(slog.DiscardHandler),
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "", httpapi.Status(swarm.CodeOf(err)))
		},
	}
}

// anyone does what the router does while authentication is off.
func anyone(ui http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ui.ServeHTTP(w, r.WithContext(swarm.WithPrincipal(r.Context(), swarm.AnonymousPrincipal())))
	})
}

func serve(t *testing.T, s *webtest.Swarm) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(anyone(web.New(config(s))))
	t.Cleanup(server.Close)
	return server
}

func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestOverviewListsDriversAndCommands(t *testing.T) {
	server := serve(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()))
	status, body := get(t, server.URL)
	if status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	for _, want := range []string{"d-1", "stale", "14 s", "disconnected", "region=eu", "100 players each", "ci/nightly",
		"3 acked, 2 missing", "partial"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestOverviewWithoutLogStillListsDrivers(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	s.Down(errors.New("secret path /var/lib"))
	_, body := get(t, serve(t, s).URL)
	if !strings.Contains(body, "d-1") || !strings.Contains(body, "cannot be read") ||
		strings.Contains(body, "/var/lib") {
		t.Error("without a log the page must list drivers, say so, and not show the cause")
	}
}

func TestAboutHasNoEmptyRow(t *testing.T) {
	s := webtest.NewSwarm(nil, nil)
	server := serveLive(t, s, func(c *web.Config) {
		c.About, c.Limits = []web.Fact{{Name: "Revision"}}, []web.Fact{{Name: "Request body", Value: "64 KiB"}}
	})
	_, body := get(t, server.URL+"/ui/about")
	for _, want := range []string{"<dt>Revision</dt><dd>unknown</dd>", "<dt>Request body</dt><dd>64 KiB</dd>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

func serveHandler(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL
}
