package demo

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// fakeServer acts as the server of the demo. The base name of its data directory selects its behaviour: "locked" ends
// at once, "partial" loses a driver, "dies" ends after the first outcome, anything else works.
func fakeServer(args []string) int {
	flags := flag.NewFlagSet("server", flag.ContinueOnError)
	listen, dataDir := flags.String("listen", "", ""), flags.String("data-dir", "", "")
	flags.String("log-level", "", "")
	if flags.Parse(args) != nil {
		return 2
	}
	behaviour := filepath.Base(*dataDir)
	if behaviour == "locked" {
		_, _ = fmt.Fprintln(os.Stderr, "level=ERROR msg=\"the data directory is locked by process 1\"")
		return 1
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return 1
	}
	f := &fake{behaviour: behaviour, active: map[string]bool{}, die: stop}
	server := &http.Server{Handler: f.mux(), ReadHeaderTimeout: time.Second}
	go func() { _ = server.Serve(l) }()
	_, _ = fmt.Fprintf(os.Stderr, "level=INFO msg=listening addr=%s\n", l.Addr())
	<-ctx.Done()
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _ = fmt.Fprintf(os.Stderr, "ending with %d drivers\n", len(f.active))
	return 0
}

type fake struct {
	behaviour string
	die       func()

	mu     sync.Mutex
	asked  int // number of requests for the readiness
	active map[string]bool
}

func (f *fake) mux() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, status int, answer func(*http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			f.mu.Lock()
			defer f.mu.Unlock()
			v := answer(r)
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(v)
		})
	}
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.asked++; f.asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, `{"status": "ok", "checks": []}`)
	})
	handle("POST /fake/here", http.StatusOK,
		func(r *http.Request) any { f.active[r.FormValue("id")] = true; return nil })
	handle("POST /fake/gone", http.StatusOK,
		func(r *http.Request) any { delete(f.active, r.FormValue("id")); return nil })
	handle("GET /drivers", http.StatusOK, func(*http.Request) any { return f.roster() })
	handle("GET /commands", http.StatusOK, func(*http.Request) any { return map[string]any{"items": []any{}} })
	handle("POST /commands", http.StatusAccepted, func(*http.Request) any {
		return map[string]any{"seq": 1, "status": "pending", "deadline_ms": 2000}
	})
	handle("GET /commands/1", http.StatusOK, func(*http.Request) any {
		if f.behaviour == "dies" {
			time.AfterFunc(10*time.Millisecond, f.die)
		}
		return f.outcome()
	})
	return mux
}

func (f *fake) roster() any {
	items := []any{}
	for id := range f.active {
		items = append(items, map[string]any{"driver_id": id, "state": "active",
			"reported": map[string]any{"players": 5}})
	}
	return map[string]any{"items": items, "counts": map[string]int{"active": len(items)}}
}

func (f *fake) outcome() any {
	status, acked, missing := "complete", []any{}, []any{}
	for id := range f.active {
		acked = append(acked, map[string]any{"driver_id": id, "latency_ms": 1.25})
	}
	if f.behaviour == "partial" {
		status, acked, missing = "partial", acked[1:], []any{map[string]any{"driver_id": "demo-9",
			"reason": "deadline"}}
	}
	return map[string]any{
		"seq": 1, "status": status, "duration_ms": 1.5, "acked": acked, "missing": missing,
		"counts": map[string]int{"targeted": len(acked) + len(missing), "acked": len(acked), "missing": len(missing)},
	}
}

// fakeDriver joins the fake server, and leaves it when it is asked to end.
func fakeDriver(args []string) int {
	flags := flag.NewFlagSet("driver", flag.ContinueOnError)
	server, id := flags.String("url", "", ""), flags.String("id", "", "")
	flags.String("target", "", "")
	if flags.Parse(args) != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	say := func(what string) bool {
		resp, err := http.PostForm(*server+"/fake/"+what, url.Values{"id": {*id}})
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil
	}
	if !say("here") {
		return 1
	}
	<-ctx.Done()
	if !say("gone") {
		return 1
	}
	return 0
}
