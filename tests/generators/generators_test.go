package generators

import (
	"math"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
)

const getLocust = "apt-get install python3-locust"

// generator is a load generator, with the arguments of `swarmcall drive` that load a target.
type generator struct {
	name string
	args func(t *testing.T, target string) []string
	own  bool // it is a process that the driver starts
}

var generators = []generator{
	{"http users", func(_ *testing.T, target string) []string { return []string{"http", "--target", target} }, false},
	{"http rate", func(_ *testing.T, target string) []string {
		return []string{"http", "--target", target, "--mode", "rate"}
	}, false},
	{"k6", func(t *testing.T, target string) []string {
		return []string{"k6", "--k6", k6(t), "testdata/script.js", "--", "--no-usage-report", "-e", "TARGET=" + target}
	}, true},
	{"locust", func(t *testing.T, target string) []string {
		return []string{
			"locust", "--locust", tool(t, "locust", getLocust), "-f", "testdata/locustfile.py", "--", "--host", target,
		}
	}, true},
	{"exec", func(t *testing.T, target string) []string {
		return []string{"exec", "--", tool(t, "python3", "apt-get install python3"), "testdata/program.py", target}
	}, true},
}

func TestGenerators(t *testing.T) {
	for _, g := range generators {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			load := startTarget(t)
			url := startServer(t)
			p := drive(t, url, g.args(t, load.URL)...)
			if n := load.since(time.Time{}); n > 0 {
				t.Errorf("%d requests before any command", n)
			}
			comes(t, url)
			upAndDown(t, url, load)
			stopWhileRamping(t, url, load)
			comesBack(t, url, load)
			if g.own {
				killed(t, url, p, load)
			} else {
				gone(t, url, p, load)
			}
		})
	}
}

func running(t *testing.T, url string, n int64) {
	t.Helper()
	eventually(t, "the players run", func() bool { return driverOf(t, url).Reported.Players == n })
}

// upAndDown also checks the spawn delay: ten players, 200 ms apart, take 2 s; with Locust, which sends them in two
// batches, 1 s.
func upAndDown(t *testing.T, url string, load *target) {
	applied(t, url, players(5))
	running(t, url, 5)
	at := time.Now()
	eventually(t, "requests", func() bool { return load.since(at) > 10 })
	applied(t, url, spawnDelay(200*time.Millisecond))
	at = time.Now()
	applied(t, url, players(15))
	running(t, url, 15)
	if took := time.Since(at); took < 700*time.Millisecond {
		t.Errorf("10 players 200 ms apart came in %v", took)
	}
	applied(t, url, players(3))
	running(t, url, 3)
	eventually(t, "metrics", func() bool { m := driverOf(t, url).Metrics; return m["rps"] > 0 || m["served"] > 0 })
}

// comes waits until the generator accepts a command: a program may take longer to start than a command waits.
func comes(t *testing.T, url string) {
	t.Helper()
	eventually(t, "the generator takes a command", func() bool {
		return command(t, url, players(1)).Status == "complete"
	})
}

// stopWhileRamping checks that no request begins after the ack of a Stop.
func stopWhileRamping(t *testing.T, url string, load *target) {
	applied(t, url, spawnDelay(100*time.Millisecond))
	applied(t, url, players(200))
	var ramped int64
	eventually(t, "the ramp", func() bool { ramped = driverOf(t, url).Reported.Players; return ramped > 5 })
	applied(t, url, stop)
	silent(t, load, time.Now(), int(2*ramped)) // the ramp continued until the Stop
	running(t, url, 0)
}

// silent fails the test if the load does not end, or if more requests come after at than were under way: one of each
// player. The time until the last one arrives depends on the machine.
func silent(t *testing.T, load *target, at time.Time, players int) {
	t.Helper()
	quiet := func() bool { return load.since(time.Now().Add(-time.Second)) == 0 && time.Since(at) > time.Second }
	eventually(t, "the load ends", quiet)
	late := load.since(at)
	<-time.After(time.Second) // there is no event to wait for
	t.Logf("%d requests after the end of the load, by %d players", late, players)
	if late > players {
		t.Errorf("%d requests after the end of the load; %d players can have had %d under way", late, players, players)
	}
	if n := load.since(at); n > late {
		t.Errorf("the load began again: %d requests", n-late)
	}
}

func comesBack(t *testing.T, url string, load *target) {
	applied(t, url, spawnDelay(0))
	applied(t, url, players(4))
	running(t, url, 4)
	at := time.Now()
	eventually(t, "requests", func() bool { return load.since(at) > 10 })
}

// killed kills the generator of a driver. The driver reports that in its answers to commands, and then leaves.
func killed(t *testing.T, url string, p *process, load *target) {
	if err := p.child(t).Kill(); err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	e := command(t, url, players(5))
	if len(e.Rejected) != 1 || e.Rejected[0].Code != "generator_ended" ||
		!strings.Contains(e.Rejected[0].Detail, "signal: killed") {
		t.Errorf("with a generator that was killed: %+v", e)
	}
	running(t, url, 0)
	silent(t, load, at, 5)
	<-p.Ended
	if code := p.Code(); code != 1 || !strings.Contains(p.log.String(), "signal: killed") {
		t.Errorf("the driver ended with %d:\n%s", code, p.log)
	}
}

// gone kills a frozen driver while a command waits for its answer: the driver is missing at once.
func gone(t *testing.T, url string, p *process, load *target) {
	if err := p.Cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is frozen", func() bool { return driverOf(t, url).HeartbeatAgeMS > 500 })
	outcome := make(chan entry, 1)
	go func() { outcome <- command(t, url, players(5)) }()
	eventually(t, "the command is under way", func() bool {
		var newest struct{ Items []entry }
		call(t, http.MethodGet, url+"/commands?limit=1", "", &newest)
		return len(newest.Items) == 1 && newest.Items[0].Status == "pending"
	})
	if err := p.Cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-p.Ended
	at := time.Now()
	if e := <-outcome; len(e.Missing) != 1 || e.Missing[0].Reason != "disconnected" {
		t.Errorf("of a driver that was killed: %+v", e)
	}
	silent(t, load, at, 5)
}

// TestTheDriverEndsInOrder asks drivers under load to end.
func TestTheDriverEndsInOrder(t *testing.T) {
	for _, g := range generators {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			load := startTarget(t)
			url := startServer(t)
			p := drive(t, url, g.args(t, load.URL)...)
			comes(t, url)
			applied(t, url, players(5))
			running(t, url, 5)
			end(t, p, load)
			if d := driverOf(t, url); d.State != "" {
				t.Errorf("it is still in the roster: %+v", d)
			}
		})
	}
}

// end asks a driver to end: it does so without an error, and no request follows.
func end(t *testing.T, p *process, load *target) {
	t.Helper()
	if err := p.Cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.Ended
	at := time.Now()
	if code := p.Code(); code != 0 {
		t.Errorf("the driver ended with %d:\n%s", code, p.log)
	}
	silent(t, load, at, 5)
}

// TestNoLoadWithoutControl first stops the server until the lease has run out, and then kills the driver with kill -9.
func TestNoLoadWithoutControl(t *testing.T) {
	const lease = 5 * time.Second // a busy machine may be silent for two
	for _, g := range generators {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			load := startTarget(t)
			url, stopServer := startServerAs(t, func(c *app.Config) { c.LeaseTTL = lease })
			drive(t, url, g.args(t, load.URL)...)
			comes(t, url)
			applied(t, url, players(5))
			running(t, url, 5)
			stopServer()
			silent(t, load, time.Now().Add(lease), math.MaxInt) // only the driver knows when exactly the lease ends

			url = startServer(t)
			p := drive(t, url, g.args(t, load.URL)...)
			comes(t, url)
			applied(t, url, players(5))
			running(t, url, 5)
			if err := p.Cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			<-p.Ended
			silent(t, load, time.Now(), 5)
		})
	}
}
