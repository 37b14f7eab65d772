package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
)

// file is a configuration file that the server reloads on SIGHUP.
type file struct {
	path string
	read func() error // on an error the previous content stays in force
}

// files are the configuration files. There are none yet; those of access and policy belong here.
func (f *flags) files() []file { return nil }

// catchHangUps keeps SIGHUP from ending the process. The returned channel gets one signal for any number of them that
// arrived in the meantime.
func catchHangUps() (hangUps chan os.Signal, stop func()) {
	hangUps = make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	return hangUps, func() { signal.Stop(hangUps) }
}

// readAgain reloads the files at each SIGHUP, until ctx ends.
func readAgain(ctx context.Context, hangUps <-chan os.Signal, files []file, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangUps:
		}
		if len(files) == 0 {
			log.Info("SIGHUP: there is no file to reload")
		}
		for _, f := range files {
			if err := f.read(); err != nil {
				log.Error("SIGHUP: cannot reload a file; its previous content stays in force", "file", f.path,
					"err", err)
				continue
			}
			log.Info("SIGHUP: reloaded", "file", f.path)
		}
	}
}
