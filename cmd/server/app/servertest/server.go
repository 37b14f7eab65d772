// Package servertest runs the real server in the process of a test.
package servertest

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

// Server is a server that can be stopped and started again, at the same address and with the same log.
type Server struct {
	Config app.Config // of the next Start; once it has run, Listen is the address that it had
	URL    string

	t    testing.TB
	stop func()
}

// Config returns the configuration of a server on a free port with a new log. It logs if the test is verbose.
func Config(t testing.TB) app.Config {
	cfg := app.Defaults()
	cfg.Listen, cfg.DataDir = "127.0.0.1:0", t.TempDir()
	cfg.HeartbeatInterval = 100 * time.Millisecond // so that tests see at once what drivers report
	if testing.Verbose() {
		cfg.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return cfg
}

// Start runs a server until the test ends, and returns once it listens.
func Start(t testing.TB, cfg app.Config) *Server {
	t.Helper()
	s := &Server{Config: cfg, t: t}
	s.Start()
	t.Cleanup(func() { s.Stop() })
	return s
}

// Start starts a server that was stopped.
func (s *Server) Start() {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- app.Run(ctx, s.Config, func(a string) { addr <- a }) }()
	select {
	case s.Config.Listen = <-addr:
		s.URL = "http://" + s.Config.Listen
		if s.Config.TLSCert != "" {
			s.URL = "https://" + s.Config.Listen
		}
	case err := <-ended:
		cancel()
		s.t.Fatalf("the server did not start: %v", err)
	}
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			s.t.Errorf("the server ended with %v", err)
		}
	})
}

// Stop shuts the server down, if it runs, and returns when it has ended.
func (s *Server) Stop() { s.stop() }
