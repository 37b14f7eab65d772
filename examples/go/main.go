// A load driver for Swarmcall with the Go SDK. The SDK does the duties of docs/protocol.md; the code here only says
// what one player does.
//
//	SWARMCALL_URL=http://127.0.0.1:8080 go run ./examples/go
//
// SWARMCALL_URL may be the list of several servers, with commas.
package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var requests atomic.Int64
	play := func(ctx context.Context) { // one player, until ctx ends; a real one sends requests
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(100 * time.Millisecond):
				requests.Add(1)
			}
		}
	}
	ramp := driver.NewRamp(20*time.Millisecond, play)
	defer ramp.Close()
	err := driver.Run(ctx, driver.Config{
		URL: env("SWARMCALL_URL", "http://127.0.0.1:8080"), DriverID: env("DRIVER_ID", "go-1"), Version: "example",
		TokenFile: os.Getenv("SWARMCALL_TOKEN_FILE"), CAFile: os.Getenv("SWARMCALL_CA_FILE"), // read at every connect
		State: ramp.State, MaxPlayers: 10_000, Logger: slog.Default(),
		Metrics: func() map[string]float64 { return map[string]float64{"requests": float64(requests.Load())} },
	}, ramp)
	if err != nil {
		slog.Error("the driver ended", "error", err)
	}
}

func env(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
