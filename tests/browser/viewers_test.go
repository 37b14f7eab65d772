package browser

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// viewersOf tells a child process whose dashboard to watch, and by how many.
const viewersOf = "SWARMCALL_TEST_VIEWERS"

// BenchmarkViewers tells whether those who watch cost those who command: the time of POST /commands to ten real drivers, 50 a second,
// with nobody at the dashboard, with a thousand viewers, and with nobody again, in one run.
func BenchmarkViewers(b *testing.B) {
	s := startServer(b)
	for i := range 10 {
		s.drive(fmt.Sprintf("d-%d", i))
	}
	for i, viewers := range []int{0, 1000, 0} {
		b.Run(fmt.Sprintf("%d-viewers-%d", viewers, i), func(b *testing.B) {
			bytes, leave := watchFromOutside(b, s.url, viewers)
			took := make([]time.Duration, 0, 250)
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for i := range max(b.N, 250) {
				<-pace.C
				began := time.Now()
				s.curl(setPlayers(i % 2))
				took = append(took, time.Since(began))
			}
			leave()
			if viewers > 0 {
				b.ReportMetric(float64(bytes())/float64(viewers)/float64(len(took)), "B/viewer/command")
			}
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99")
		})
	}
}

// watchFromOutside has a process of its own watch, so that viewers do not share the server's scheduler and collector.
func watchFromOutside(b *testing.B, url string, viewers int) (bytes func() int64, leave func()) {
	b.Helper()
	if viewers == 0 {
		return func() int64 { return 0 }, func() {}
	}
	child := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestViewersChild$")
	child.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", viewersOf, viewers, url))
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
	lines := bufio.NewReader(out)
	number := func() int64 {
		line, err := lines.ReadString('\n')
		n, bad := strconv.ParseInt(strings.TrimSpace(line), 10, 64)
		if err != nil || bad != nil {
			b.Fatalf("the viewers say %q: %v", line, err)
		}
		return n
	}
	before := number() // all are there
	var total int64
	return func() int64 { return total - before }, func() {
		if err := in.Close(); err != nil {
			b.Error(err)
		}
		total = number()
		_ = child.Wait() // it has said all there is to say
	}
}

// TestViewersChild is the process that watches; by itself it does nothing.
func TestViewersChild(t *testing.T) {
	viewers, url := 0, ""
	if n, err := fmt.Sscanf(os.Getenv(viewersOf), "%d %s", &viewers, &url); err != nil || n != 2 {
		t.Skip("it is a part of BenchmarkViewers")
	}
	ctx, leave := context.WithCancel(t.Context())
	var bytes atomic.Int64
	var watching, there sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{}}
	for range viewers {
		there.Add(1)
		watching.Go(func() { view(ctx, client, url, &bytes, there.Done) })
	}
	there.Wait()
	_, _ = fmt.Fprintln(os.Stdout, bytes.Load())
	_, _ = io.Copy(io.Discard, os.Stdin) // until the benchmark closes it
	leave()
	watching.Wait()
	_, _ = fmt.Fprintln(os.Stdout, bytes.Load())
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
	defer resp.Body.Close()
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
