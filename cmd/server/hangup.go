package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

// catchHangUps keeps SIGHUP from ending the process. The returned channel gets one signal for any number of them that
// arrived in the meantime.
func catchHangUps() (hangUps chan os.Signal, stop func()) {
	hangUps = make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	return hangUps, func() { signal.Stop(hangUps) }
}

// readAgain reloads the files at each SIGHUP, until ctx ends.
func readAgain(ctx context.Context, hangUps <-chan os.Signal, reloads *app.Reloads, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUps:
		}
		files := reloads.Files()
		if len(files) == 0 {
			log.Info("SIGHUP: there is no file to reload")
		}
		for _, f := range files {
			if err := f.Read(); err != nil {
				log.Error("SIGHUP: cannot reload a file; its previous content stays in force", "file", f.Path,
					"err", err)
				continue
			}
			log.Info("SIGHUP: reloaded", "file", f.Path)
		}
	}
}
