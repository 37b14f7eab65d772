package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// quiet is a feed without records.
type quiet struct{}

func (quiet) Last() uint64 { return 0 }

func (quiet) After(ctx context.Context, _ uint64) ([]*swarm.Event, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestAQuietStream: the deadline of one write must not end the stream while nothing is written. HTTP/2 resets a stream
// as soon as its deadline has passed.
func TestAQuietStream(t *testing.T) {
	for name, set := range map[string]func(*http.Protocols, bool){
		"HTTP/1.1": (*http.Protocols).SetHTTP1, "HTTP/2": (*http.Protocols).SetUnencryptedHTTP2,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var spoken http.Protocols
				set(&spoken, true)
				w := newWorld(t, func(c *Config) { c.Feed = quiet{} })
				network := swarmtest.ServeBy(t, &http.Server{Handler: w.handler, Protocols: &spoken})
				transport := &http.Transport{DialContext: network.Dial, Protocols: &spoken}
				defer transport.CloseIdleConnections()
				r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/commands/stream", nil)
				if err != nil {
					t.Fatal(err)
				}
				resp, err := transport.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = resp.Body.Close() }()
				pings := 0
				lines := bufio.NewScanner(resp.Body)
				for pings < 3 && lines.Scan() {
					if strings.HasPrefix(lines.Text(), ": ping") {
						pings++
					}
				}
				if resp.Proto[:6] != name[:6] || pings < 3 {
					t.Errorf("%s: %d pings, then %v", resp.Proto, pings, lines.Err())
				}
			})
		})
	}
}
