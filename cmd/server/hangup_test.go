package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestReadAgain(t *testing.T) {
	reads := 0
	failing := file{"auth.yaml", func() error {
		if reads++; reads == 1 {
			return errors.New("line 3: no role")
		}
		return nil
	}}
	for name, tc := range map[string]struct {
		files []file
		want  []string
	}{
		"none":  {nil, []string{"there is no file to reload", "there is no file to reload"}},
		"files": {[]file{failing}, []string{"file=auth.yaml err=\"line 3: no role\"", "SIGHUP: reloaded"}},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			ctx, cancel := context.WithCancel(t.Context())
			hangUps, done := make(chan os.Signal), make(chan struct{})
			go func() {
				defer close(done)
				readAgain(ctx, hangUps, tc.files, slog.New(slog.NewTextHandler(&log,
					nil)))
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
