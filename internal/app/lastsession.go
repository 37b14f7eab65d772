package app

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// lastSession remembers across restarts when a driver session was last open, as the modification time of a file: load of a
// swarm that has long gone home must not start by itself when drivers come again.
type lastSession struct{ path string }

const touchEvery = 2 * time.Second

func newLastSession(dataDir string) lastSession {
	return lastSession{filepath.Join(dataDir, "last-session")}
}

// before reports whether no session has been open since t, as far as is known.
func (l lastSession) before(t time.Time) bool {
	info, err := os.Stat(l.path)
	return err != nil || info.ModTime().Before(t)
}

func (l lastSession) touch() error {
	now := time.Now()
	err := os.Chtimes(l.path, now, now)
	if errors.Is(err, fs.ErrNotExist) {
		return os.WriteFile(l.path, nil, 0o600)
	}
	return err
}

// keep touches the file while a session is open, until ctx ends.
func (l lastSession) keep(ctx context.Context, open func() int, logger *slog.Logger) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		if open() > 0 {
			if err := l.touch(); err != nil {
				logger.Warn("cannot note that drivers are connected; after a restart they may be told to stop", "err", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
