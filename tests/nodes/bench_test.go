package nodes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// The figures of docs/scale.md: `go test ./tests/nodes -run '^$' -bench . -benchtime 1x -timeout 30m`.

// modes are the servers that are compared: 0 nodes are a server with an embedded log.
var modes = []int{0, 1, 2, 3}

func modeName(nodes int) string {
	if nodes == 0 {
		return "embedded"
	}
	return fmt.Sprintf("nodes=%d", nodes)
}

// fleet is servers with drivers that ack at once.
type fleet struct {
	b       *testing.B
	nats    *natstest.Cluster // nil: the log is embedded
	servers []*proctest.Server
	serving sync.WaitGroup
}

func newFleet(b *testing.B, nodes, drivers int) *fleet {
	f := &fleet{b: b}
	b.Cleanup(f.serving.Wait) // after the drivers were closed
	beat := []string{"--heartbeat-interval", "1s"}
	if nodes == 0 {
		f.start(beat...)
	} else {
		f.nats = natstest.Start(b, natstest.Options{Servers: 3})
	}
	for i := range nodes {
		f.start(append(beat, "--node-name", fmt.Sprintf("n%d", i+1), "--nats-url", f.nats.URLs())...)
	}
	for _, s := range f.servers {
		f.until(func() bool {
			resp, err := http.Get(s.URL() + "/readyz")
			if err != nil {
				return false
			}
			return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
		})
	}
	for i := range drivers {
		f.join(f.servers[i%len(f.servers)], fmt.Sprintf("d-%05d", i))
	}
	f.until(func() bool {
		return !slices.ContainsFunc(f.servers, func(s *proctest.Server) bool { return activeAt(s) != drivers })
	})
	return f
}

func (f *fleet) start(args ...string) {
	s, err := proctest.StartServer(launch(f.b.TempDir(), args...), patience)
	if err != nil {
		f.b.Fatal(err)
	}
	f.b.Cleanup(s.Kill)
	f.servers = append(f.servers, s)
}

func (f *fleet) until(condition func() bool) {
	f.b.Helper()
	if !within(patience, condition) {
		f.b.Fatal("the servers or drivers are not ready")
	}
}

// join connects a driver that sends a heartbeat each second.
func (f *fleet) join(s *proctest.Server, id string) {
	d, err := light.Dial(f.b.Context(), s.Addr, id)
	if err != nil {
		f.b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.serving.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if d.Beat() != nil {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	})
	f.serving.Go(func() { d.Serve(nil) })
	f.b.Cleanup(func() {
		cancel()
		_ = d.Close()
	})
}

func activeAt(s *proctest.Server) int {
	resp, err := http.Get(s.URL() + "/drivers?limit=1")
	if err != nil {
		return -1
	}
	defer func() { _ = resp.Body.Close() }()
	var roster struct{ Counts struct{ Active int } }
	if json.NewDecoder(resp.Body).Decode(&roster) != nil {
		return -1
	}
	return roster.Counts.Active
}

// post sends a command, and returns how long the answer took.
func (f *fleet) post(c *http.Client, s *proctest.Server, submitter string, players int) time.Duration {
	body := fmt.Sprintf(`{"submitter":%q,"command":{"type":"set_players","players":%d},"deadline_ms":10000}`, submitter, players)
	req, err := http.NewRequestWithContext(f.b.Context(), http.MethodPost, s.URL()+"/commands", bytes.NewBufferString(body))
	if err != nil {
		f.b.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Prefer", "return=minimal")
	began := time.Now()
	resp, err := c.Do(req)
	if err != nil {
		f.b.Error(err)
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusCreated {
		f.b.Errorf("answer %d", resp.StatusCode)
	}
	return time.Since(began)
}

// cpu returns the CPU time that processes have used.
func cpu(b *testing.B, pids ...int) (used time.Duration) {
	const tick = time.Second / 100 // of the kernel, USER_HZ
	for _, pid := range pids {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			b.Fatal(err)
		}
		_, after, _ := strings.Cut(string(stat), ") ")
		for _, field := range strings.Fields(after)[11:13] { // utime and stime
			n, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			used += time.Duration(n) * tick
		}
	}
	return used
}

func (f *fleet) pids() (servers, nats []int) {
	for _, s := range f.servers {
		servers = append(servers, s.Cmd.Process.Pid)
	}
	if f.nats != nil {
		for _, s := range f.nats.Servers {
			nats = append(nats, s.Pid())
		}
	}
	return servers, nats
}

func at(sorted []time.Duration, fraction float64) float64 {
	return float64(sorted[int(fraction*float64(len(sorted)-1))].Microseconds()) / 1000
}

// BenchmarkCommand: one submitter, 1,000 drivers, one command after the other.
func BenchmarkCommand(b *testing.B) {
	const drivers, commands = 1000, 300
	for _, nodes := range modes {
		b.Run(modeName(nodes), func(b *testing.B) {
			f := newFleet(b, nodes, drivers)
			c := &http.Client{}
			for i := range 20 { // connections and code are warm then
				f.post(c, f.servers[0], "bench", i)
			}
			for b.Loop() {
				servers, nats := f.pids()
				before, natsBefore := cpu(b, servers...), cpu(b, nats...)
				took := make([]time.Duration, commands)
				for i := range took {
					took[i] = f.post(c, f.servers[0], "bench", i)
				}
				slices.Sort(took)
				b.ReportMetric(at(took, 0.5), "p50-ms")
				b.ReportMetric(at(took, 0.99), "p99-ms")
				b.ReportMetric(float64((cpu(b, servers...)-before).Microseconds())/commands/drivers, "server-µs/ack")
				b.ReportMetric(float64((cpu(b, nats...)-natsBefore).Microseconds())/commands, "nats-µs/command")
			}
		})
	}
}

// BenchmarkSubmitters: many submitters on all nodes, 10 drivers. Appends compete.
func BenchmarkSubmitters(b *testing.B) {
	const drivers, span = 10, 5 * time.Second
	for _, nodes := range modes {
		for _, submitters := range []int{1, 64} {
			b.Run(fmt.Sprintf("%s/submitters=%d", modeName(nodes), submitters), func(b *testing.B) {
				f := newFleet(b, nodes, drivers)
				for b.Loop() {
					f.compete(submitters, span)
				}
			})
		}
	}
}

func (f *fleet) compete(submitters int, span time.Duration) {
	var (
		mu   sync.Mutex
		took []time.Duration
		all  sync.WaitGroup
	)
	began := time.Now()
	for i := range submitters {
		all.Go(func() {
			c := &http.Client{Transport: &http.Transport{}}
			defer c.CloseIdleConnections()
			for n := 0; time.Since(began) < span; n++ {
				one := f.post(c, f.servers[i%len(f.servers)], fmt.Sprintf("s-%d", i), n%100)
				mu.Lock()
				took = append(took, one)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(took)
	f.b.ReportMetric(float64(len(took))/time.Since(began).Seconds(), "commands/s")
	f.b.ReportMetric(at(took, 0.5), "p50-ms")
	f.b.ReportMetric(at(took, 0.99), "p99-ms")
}
