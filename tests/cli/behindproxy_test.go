package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"syscall"
	"testing"
)

// behindProxy returns the address of a proxy in front of a server. While the server is unavailable, it answers as
// Swarmcall never does.
func behindProxy(t *testing.T, s *server) string {
	t.Helper()
	to, err := url.Parse(s.url())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) },
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Server", "nginx")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<h1>404 Not Found</h1>")
		},
	}
	h := httptest.NewServer(proxy)
	t.Cleanup(h.Close)
	return h.URL
}

// TestARestartBehindAProxy: the proxy answers 404 during the restart. The plan, the wait and the drivers survive it,
// and report what answered.
func TestARestartBehindAProxy(t *testing.T) {
	s, drivers := newWorld(t)
	address := behindProxy(t, s)
	for _, id := range []string{"d-1", "d-2"} {
		d, err := startDriver(address, id, nil)
		if err != nil {
			t.Fatal(err)
		}
		drivers[id] = d
	}
	p := swarmcall(t, address, "run", planFile(t, "stages: [{set: {players: 1}}, {hold: 2s}, {set: {players: 2}}]"))
	w := swarmcall(t, address, "commands", "watch", "--retry-for", "60s")
	p.says("hold for")
	w.says("watching")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	const named = "a proxy or another server answered 404 text/html, server: nginx"
	waiting := swarmcall(t, address, "wait", "drivers", "2", "--timeout", "60s")
	waiting.says(named)
	w.says(named)
	p.says(named)
	swarmcall(t, address, "drivers", "list", "--retry-for", "0").code(8)
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	waiting.code(0)
	p.code(0)
	sameLog(t, s.url(), "players 1", "players 2", "stop")
	w.prints("set_players 2: complete, 2 of 2 acked")
}
