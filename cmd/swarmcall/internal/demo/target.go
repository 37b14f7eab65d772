package demo

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// target is what the players load: an HTTP server that counts its requests.
type target struct {
	URL    string
	served atomic.Int64
	server *http.Server
	done   chan struct{}
}

func startTarget(ctx context.Context) (*target, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	t := &target{URL: "http://" + l.Addr().String() + "/", done: make(chan struct{})}
	t.server = &http.Server{Handler: t, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	go func() {
		defer close(t.done)
		_ = t.server.Serve(l) // ends with close
	}()
	return t, nil
}

func (t *target) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	t.served.Add(1)
	_, _ = w.Write([]byte("hello, player\n"))
}

// close closes every connection; a player that still runs sees an error.
func (t *target) close() {
	_ = t.server.Close()
	<-t.done
}
