package driver_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// In this driver each player visits a page once a second. The driver's own code is only the function of one player.
func ExampleNewRamp() {
	play := func(ctx context.Context) {
		for ctx.Err() == nil {
			request, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:8000/", nil)
			if answer, err := http.DefaultClient.Do(request); err == nil {
				_ = answer.Body.Close()
			}
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}
	ramp := driver.NewRamp(20*time.Millisecond, play)
	defer ramp.Close()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := driver.Run(ctx, driver.Config{
		URL: "http://127.0.0.1:8080", DriverID: "d-1", State: ramp.State, MaxPlayers: 1000,
	}, ramp)
	if err != nil {
		slog.Error("the driver ended", "error", err)
	}
}

// A guard on the driver's machine can stop this driver, whatever the server wants.
func ExampleLocalStop() {
	brake := new(driver.LocalStop)
	ramp := driver.NewRamp(20*time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
	defer ramp.Close()
	mux := http.NewServeMux() // on loopback, for the people at this machine
	mux.HandleFunc("POST /stop", func(http.ResponseWriter, *http.Request) { brake.Engage() })
	mux.HandleFunc("POST /release", func(http.ResponseWriter, *http.Request) { brake.Release() })
	guard := &http.Server{Addr: "127.0.0.1:7070", Handler: mux, ReadHeaderTimeout: time.Second}
	go func() { _ = guard.ListenAndServe() }()
	defer func() { _ = guard.Close() }()
	err := driver.Run(context.Background(), driver.Config{
		URL: "http://127.0.0.1:8080", DriverID: "d-1", State: ramp.State, LocalStop: brake,
	}, ramp)
	if err != nil {
		slog.Error("the driver ended", "error", err)
	}
}
