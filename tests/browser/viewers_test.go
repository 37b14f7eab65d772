package browser

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkViewers tells whether those who watch cost those who command: the time of POST /commands to ten real drivers, 50 a second,
// with nobody at the dashboard, with a thousand viewers, and with nobody again, in one run.
func BenchmarkViewers(b *testing.B) {
	s := startServer(b)
	for i := range 10 {
		s.drive(fmt.Sprintf("d-%d", i))
	}
	for i, viewers := range []int{0, 1000, 0} {
		b.Run(fmt.Sprintf("%d-viewers-%d", viewers, i), func(b *testing.B) {
			ctx, leave := context.WithCancel(b.Context())
			var bytes atomic.Int64
			var watching, there sync.WaitGroup
			client := &http.Client{Transport: &http.Transport{}}
			for range viewers {
				there.Add(1)
				watching.Go(func() { view(ctx, client, s.url, &bytes, there.Done) })
			}
			there.Wait()
			before := bytes.Load()
			took := make([]time.Duration, 0, b.N)
			pace := time.NewTicker(20 * time.Millisecond)
			defer pace.Stop()
			for i := range max(b.N, 250) {
				<-pace.C
				began := time.Now()
				s.curl(setPlayers(i % 2))
				took = append(took, time.Since(began))
			}
			if viewers > 0 {
				b.ReportMetric(float64(bytes.Load()-before)/float64(viewers)/float64(len(took)), "B/viewer/command")
			}
			leave()
			watching.Wait()
			slices.Sort(took)
			b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-p50")
			b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99")
		})
	}
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
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		once()
		bytes.Add(int64(len(lines.Bytes())) + 1)
	}
}
