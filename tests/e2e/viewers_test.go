package e2e

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkViewers measures whether viewers slow down commands: the time of POST /commands to ten real drivers, 50 per
// second, in periods of five seconds without viewers and with a thousand viewers, in alternating order. The server, the
// viewers, and the drivers with the submitter are separate processes. Use -benchtime 40x: a turn is too short for a
// p99.
func BenchmarkViewers(b *testing.B) {
	const viewers, perTurn = 1000, 250
	server := start(b, b.TempDir())
	for i := range 10 {
		join(b, server.url, fmt.Sprintf("d-%d", i))
	}
	crowd := watchers(b, server.url)
	var alone, watched []time.Duration
	var bytes int64
	for b.Loop() {
		if len(alone) == len(watched) && len(alone)/perTurn%2 == 0 {
			alone = append(alone, command(b, server, perTurn)...)
		}
		before := crowd.setCount(viewers)
		watched = append(watched, command(b, server, perTurn)...)
		bytes += crowd.setCount(0) - before
		if len(alone) < len(watched) {
			alone = append(alone, command(b, server, perTurn)...)
		}
	}
	b.ReportMetric(float64(bytes)/viewers/float64(len(watched)), "B/viewer/command")
	report := func(percent int) {
		without, with := percentile(alone, percent), percentile(watched, percent)
		b.ReportMetric(without, fmt.Sprintf("p%d-ms-alone", percent))
		b.ReportMetric(with, fmt.Sprintf("p%d-ms-watched", percent))
		b.ReportMetric(with/without, fmt.Sprintf("p%d-ratio", percent))
	}
	report(50)
	report(99)
}

// settle is the number of commands at the start of a turn that are not counted, because viewers connect or disconnect
// then.
const settle = 50

// command sends n commands after those that settle, 50 a second, and returns how long each took until its answer was
// read.
func command(b *testing.B, server *server, n int) (took []time.Duration) {
	b.Helper()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for i := range settle + n {
		<-pace.C
		began := time.Now()
		resp, err := http.Post(server.url+"/commands", "application/json",
			strings.NewReader(fmt.Sprintf(`{"submitter":"b","command":{"type":"set_players","players":%d}}`, i%2)))
		if err != nil {
			b.Fatal(err)
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusCreated {
			b.Fatal(resp.Status, err, string(answer))
		}
		took = append(took, time.Since(began))
	}
	return took[settle:]
}

// percentile returns it in milliseconds.
func percentile(took []time.Duration, percent int) float64 {
	slices.Sort(took)
	return took[len(took)*percent/100].Seconds() * 1000
}

// viewersOf is the variable that tells a child process which dashboard to watch.
const viewersOf = "SWARMCALL_TEST_VIEWERS"

// crowd is a process of viewers. It has low priority, because in production viewers run on other machines.
type crowd struct {
	b     *testing.B
	in    io.Writer
	lines *bufio.Reader
}

func watchers(b *testing.B, url string) *crowd {
	b.Helper()
	child := exec.CommandContext(b.Context(), "nice", "-n", "19", os.Args[0])
	child.Env = append(os.Environ(), viewersOf+"="+url)
	child.Stderr = os.Stderr
	in, err := child.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := child.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := child.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = child.Wait() // its output is complete
	})
	return &crowd{b, in, bufio.NewReader(out)}
}

// setCount sets the number of viewers to n, waits until all of them have their first bytes, and returns how many bytes
// all have read so far.
func (c *crowd) setCount(n int) (bytes int64) {
	c.b.Helper()
	if _, err := fmt.Fprintln(c.in, n); err != nil {
		c.b.Fatal(err)
	}
	if _, err := fmt.Fscanln(c.lines, &bytes); err != nil {
		c.b.Fatal("the viewers are gone: ", err)
	}
	return bytes
}

// watch runs in the child: for each number that it reads, it runs that many viewers of url, and prints how many bytes
// they have read so far.
func watch(url string) int {
	var bytes atomic.Int64
	leave := func() {}
	for n := 0; ; {
		if _, err := fmt.Fscanln(os.Stdin, &n); err != nil {
			return 0 // the benchmark is over
		}
		leave()
		leave = arrive(n, url, &bytes)
		fmt.Println(bytes.Load())
	}
}

// arrive starts n viewers, and returns when all have their first bytes. The function it returns ends them.
func arrive(n int, url string, bytes *atomic.Int64) (leave func()) {
	ctx, cancel := context.WithCancel(context.Background())
	client := &http.Client{Transport: &http.Transport{}}
	var watching, there sync.WaitGroup
	for range n {
		there.Add(1)
		watching.Go(func() { view(ctx, client, url, bytes, there.Done) })
	}
	there.Wait()
	return func() { cancel(); watching.Wait() }
}

// view watches the overview until ctx ends.
func view(ctx context.Context, client *http.Client, url string, bytes *atomic.Int64, there func()) {
	once := sync.OnceFunc(there)
	defer once()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/ui/stream?topic=/&fresh=/", nil)
	if err != nil {
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	defer func() { _ = resp.Body.Close() }()
	buffer := make([]byte, 16<<10)
	for {
		n, err := resp.Body.Read(buffer)
		bytes.Add(int64(n))
		if err != nil {
			return
		}
		once()
	}
}
