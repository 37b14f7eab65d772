package browser

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/httpapi"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// visit opens a page of a made-up swarm, and waits until it is live.
func visit(t testing.TB, path string) (*webtest.Swarm, *tab) {
	t.Helper()
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	b := open(t)
	b.goTo(fake(t, s, nil) + path)
	b.live()
	return s, b
}

// fake serves the dashboard on a made-up swarm, behind the headers the server sends.
func fake(t testing.TB, s *webtest.Swarm, change func(*web.Config)) string {
	t.Helper()
	return fakeBehind(t, s, change, headers)
}

// fakeBehind serves it behind a handler of the test.
func fakeBehind(
	t testing.TB, s *webtest.Swarm, change func(*web.Config), behind func(http.Handler) http.Handler,
) string {
	t.Helper()
	return fakeRouted(t, s, change, func(ui *web.UI) http.Handler { return behind(anyone(ui)) })
}

// anyone does what the router does while authentication is off.
func anyone(ui http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ui.ServeHTTP(w, r.WithContext(swarm.WithPrincipal(r.Context(), swarm.AnonymousPrincipal())))
	})
}

// fakeRouted serves it behind a router of the test.
func fakeRouted(
	t testing.TB, s *webtest.Swarm, change func(*web.Config), router func(*web.UI) http.Handler,
) string {
	t.Helper()
	cfg := web.Config{
		Log: s, Fleet: s, Commands: s, Feed: s.Feed, Nodes: s.Nodes, DefaultDeadline: 2 * time.Second,
		Tick:    100 * time.Millisecond,
		Started: time.Now().Add(-time.Hour), Remembered: func() []swarm.Former { return nil },
		Address: httpapi.Address, Status: httpapi.Status, Logger: slog.New(slog.DiscardHandler),
		Problem: func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, "", httpapi.Status(swarm.CodeOf(err)))
		},
		About: []web.Fact{{Name: "Version", Value: "v1.0.0"},
			{Name: "Log", Value: "embedded JetStream, fsync per append"}},
		Ready: func(context.Context) []web.Check {
			return []web.Check{{Name: "log", OK: true}, {Name: "server", OK: true}}
		},
	}
	if change != nil {
		change(&cfg)
	}
	ui := web.New(cfg)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = ui.Run(ctx) })
	server := httptest.NewServer(router(ui))
	t.Cleanup(func() {
		stop()
		running.Wait()
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// failing is a log that accepts no commands.
func failing(context.Context) []web.Check {
	return []web.Check{{Name: "log", Detail: "the log is full at 10 GiB; raise --log-max-bytes"},
		{Name: "server", OK: true}}
}
