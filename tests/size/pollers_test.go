package size

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"
)

const (
	pollersBeside  = 2
	polledDrivers  = 10_000
	commandBeside  = 1.5 // times what a command takes alone, the median
	commandsOfTurn = 50
)

// BenchmarkPollers measures what readers of a large swarm cost a command to one driver, in turns without and with
// pollers. Each poller reads GET /drivers and GET /state repeatedly.
func BenchmarkPollers(b *testing.B) {
	s := start(b)
	join(s, polledDrivers)
	pollers := newCrowd(s, "pollers")
	var alone, beside times
	var polled int64
	var took time.Duration
	for b.Loop() {
		alone = append(alone, toOne(s)...)
		before, began := pollers.setCount(pollersBeside), time.Now()
		beside = append(beside, toOne(s)...)
		took += time.Since(began)
		polled += pollers.setCount(0) - before
	}
	b.ReportMetric(float64(polled)/took.Seconds(), "polls/s-beside")
	held(b, "a command beside pollers", compare(b, "command", alone, beside), commandBeside)
}

// toOne sends commands to one driver, one after the other. It does not count the first.
func toOne(s *server) (took times) {
	s.tb.Helper()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for i := range 1 + commandsOfTurn {
		<-pace.C
		began := time.Now()
		const body = `{"submitter":"ci","target":{"driver_ids":["d-7"]},"command":{"type":"set_players","players":%d}}`
		s.command(fmt.Sprintf(body, i))
		took = append(took, time.Since(began))
	}
	return took[1:]
}

// poll reads the roster and the state once.
func poll(client *http.Client, addr string, _ int) error {
	if err := do(context.Background(), client, http.MethodGet, "http://"+addr+"/drivers", "",
		http.StatusOK); err != nil {
		return err
	}
	return do(context.Background(), client, http.MethodGet, "http://"+addr+"/state", "", http.StatusOK)
}
