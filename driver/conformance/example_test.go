package conformance_test

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/conformance"
)

// A driver in Go can run the check in its own tests. This one uses a real socket; the kit starts and ends the driver.
func ExampleCheck() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	start := func() (conformance.Process, error) {
		ctx, leave := context.WithCancel(context.Background())
		p := &process{leave: leave, kill: leave, done: make(chan struct{})}
		ramp := driver.NewRamp(time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
		go func() {
			defer close(p.done)
			defer ramp.Close()
			_ = driver.Run(ctx, driver.Config{URL: "http://" + listener.Addr().String(), DriverID: "d-1",
				State: ramp.State}, ramp)
		}()
		return p, nil
	}
	report, err := conformance.Check(context.Background(), conformance.Options{Listener: listener, Start: start})
	if err != nil {
		fmt.Println(err)
	}
	fmt.Println(report.OK())
}
