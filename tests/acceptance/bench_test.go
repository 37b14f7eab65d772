package acceptance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
)

// BenchmarkSwarm measures one command over real sockets: POST /commands to the real server, the log on disk, every
// driver on its own socket, until the answer with the last ack is read. The drivers run in this process, so the figures
// include their work.
func BenchmarkSwarm(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) { benchmarkSwarm(b, n) })
	}
}

func benchmarkSwarm(b *testing.B, n int) {
	s := startServer(b, func(c *app.Config) {
		// light drivers send no heartbeats
		c.HeartbeatInterval, c.StaleAfter, c.LeaseTTL = time.Minute, 10*time.Minute, time.Hour
	})
	client := &http.Client{Transport: &http.Transport{}}
	var drivers sync.WaitGroup
	for i := range n {
		d, err := light.Dial(b.Context(), strings.TrimPrefix(s.url, "http://"), fmt.Sprintf("d-%d", i))
		if err != nil {
			b.Fatal(err)
		}
		drivers.Go(func() { d.Serve(nil) })
		defer func() { _ = d.Close() }()
	}
	acked := fmt.Sprintf(`"acked":%d,`, n)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		body := fmt.Sprintf(`{"command":{"type":"set_players","players":%d},"deadline_ms":30000}`, i)
		answer, err := post(client, s.url, body)
		if err != nil || !strings.Contains(answer, acked) {
			b.Fatalf("%v in %.500s", err, answer)
		}
	}
	b.StopTimer()
	client.CloseIdleConnections()
	b.Cleanup(drivers.Wait)
}

func post(client *http.Client, url, body string) (string, error) {
	resp, err := client.Post(url+"/commands", "application/json", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}
