package web_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// many makes a swarm of n active drivers, and commands to all of them.
func many(n, commands int) *webtest.Swarm {
	drivers := make([]swarm.Driver, n)
	ids := make([]string, n)
	verdicts := make([]swarm.Verdict, n)
	for i := range drivers {
		drivers[i] = webtest.Drivers()[0]
		drivers[i].ID = fmt.Sprintf("load-%05d", i)
		drivers[i].AppliedSeq = 1
		ids[i], verdicts[i] = drivers[i].ID, swarm.Verdict{
			Kind: swarm.Acked, Latency: time.Duration(i) * time.Microsecond,
		}
	}
	entries := make([]swarm.Entry, commands)
	for i := range entries {
		e := webtest.Entry(uint64(commands-i), swarm.Command{Type: command.SetPlayers, Value: 100}, time.Millisecond,
			swarm.Verdict{})
		e.Issued.Targets, e.Closed.Verdicts = ids, verdicts
		entries[i] = e
	}
	return webtest.NewSwarm(drivers, entries)
}

// BenchmarkPage requests whole pages of a swarm of 15,000 drivers, as a visitor without scripts does.
func BenchmarkPage(b *testing.B) {
	server := serveLive(b, many(15_000, 50), func(c *web.Config) { c.Tick = time.Hour })
	for _, path := range []string{"/", "/ui/commands", "/ui/commands/7", "/ui/drivers",
		"/ui/drivers?sort=players&page=77", "/ui/drivers/load-00777", "/ui/heatmap"} {
		b.Run(path, func(b *testing.B) {
			var size int64
			for b.Loop() {
				resp, err := http.Get(server.URL + path)
				if err != nil {
					b.Fatal(err)
				}
				size, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			b.ReportMetric(float64(size), "B/page")
		})
	}
}

// BenchmarkViewers measures what a command costs each of many viewers of the overview.
func BenchmarkViewers(b *testing.B) {
	for _, viewers := range []int{1, 100} {
		b.Run(fmt.Sprint(viewers), func(b *testing.B) {
			s := webtest.NewSwarm(webtest.Drivers(), nil)
			server := serveLive(b, s, func(c *web.Config) { c.Tick = 5 * time.Millisecond })
			all := make([]<-chan event, viewers)
			for i := range all {
				all[i] = watch(b, server.URL, "topic=/&fresh=/", "")
				next(b, all[i], named("patch"))
			}
			bytes, n := 0, int64(0)
			for b.Loop() {
				n++
				if _, err := s.Submit(b.Context(), submission(n)); err != nil {
					b.Fatal(err)
				}
				seen := fmt.Sprintf("#%d ", 2*n-1)
				for _, events := range all {
					next(b, events, func(e event) bool {
						bytes += len(e.data) +
							len("event: patch\ndata: \n\n")
						return contains(seen)(e)
					})
				}
			}
			b.ReportMetric(float64(bytes)/float64(viewers)/float64(b.N), "B/viewer/command")
		})
	}
}
