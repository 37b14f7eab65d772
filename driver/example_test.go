package driver_test

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/swarmcall/swarmcall/driver"
)

// A complete driver: it runs as many players as it is commanded, and ends on a Stop.
func Example() {
	server := demoServer() // commands: set_players 100, set_spawn_delay_ms 20, stop
	defer server.Close()
	ctx, done := context.WithCancel(context.Background())
	defer done()
	var players atomic.Int64 // a real driver starts and ends players until this many run
	apply := func(_ context.Context, c driver.Command) error {
		switch c.Type {
		case driver.SetPlayers:
			players.Store(c.Players)
		case driver.Stop:
			players.Store(0)
			done() // a real driver stays connected
		default:
			return driver.Reject("unsupported_command", "this driver starts all players at once")
		}
		fmt.Println(c.Seq, c.Type, players.Load())
		return nil
	}
	err := driver.Run(ctx, driver.Config{
		URL: server.URL, DriverID: "d-1", Labels: map[string]string{"region": "eu"},
		State: func() driver.State { return driver.State{Players: players.Load(), Running: players.Load() > 0} },
	}, driver.HandlerFunc(apply))
	fmt.Println("done:", err)
	// Output:
	// 6 set_players 100
	// 8 stop 0
	// done: <nil>
}
