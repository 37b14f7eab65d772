package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
)

func TestReadAgain(t *testing.T) {
	reads := 0
	failing := func() error {
		if reads++; reads == 1 {
			return errors.New("line 3: no role")
		}
		return nil
	}
	var none, files app.Reloads
	files.Add("auth.yaml", failing)
	for name, tc := range map[string]struct {
		reloads *app.Reloads
		want    []string
	}{
		"none":  {&none, []string{"there is no file to reload", "there is no file to reload"}},
		"files": {&files, []string{"file=auth.yaml err=\"line 3: no role\"", "SIGHUP: reloaded"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			ctx, cancel := context.WithCancel(t.Context())
			hangUps, done := make(chan os.Signal), make(chan struct{})
			go func() {
				defer close(done)
				readAgain(ctx, hangUps, tc.reloads, slog.New(slog.NewTextHandler(&log, nil)))
			}()
			for range tc.want {
				hangUps <- syscall.SIGHUP
			}
			cancel()
			<-done
			rest := log.String()
			for _, want := range tc.want {
				_, after, ok := strings.Cut(rest, want)
				if !ok {
					t.Errorf("no %q in its place:\n%s", want, log.String())
				}
				rest = after
			}
		})
	}
}

// stderr is a log that a test waits for.
type stderr struct {
	mu    sync.Mutex
	text  strings.Builder
	wrote chan struct{}
}

func (e *stderr) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case e.wrote <- struct{}{}:
	default:
	}
	return e.text.Write(p)
}

func (e *stderr) String() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.text.String()
}

func (e *stderr) await(t *testing.T, text string) {
	t.Helper()
	hang := time.After(time.Minute)
	for !strings.Contains(e.String(), text) {
		select {
		case <-e.wrote:
		case <-hang:
			t.Fatalf("the log has no %q:\n%s", text, e)
		}
	}
}

// TestHangUpReloadsTheCertificate sends this process a signal, as an operator does.
func TestHangUpReloadsTheCertificate(t *testing.T) {
	cert, key := certtest.New(t).Issue(certtest.Leaf{Name: "one"}).Write(t, t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log, ended := &stderr{wrote: make(chan struct{}, 1)}, make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--tls-cert", cert, "--tls-key", key,
		}, nil, nil, log)
	}()
	log.await(t, "msg=ready")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	log.await(t, "SIGHUP: reloaded\" file="+cert)
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit %d", code)
	}
}
