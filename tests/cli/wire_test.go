package cli

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

// wire is the network of one driver, which can be cut.
type wire struct {
	mu    sync.Mutex
	conns []net.Conn
	gone  bool
}

func newWire() *wire { return &wire{} }

func (w *wire) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: w.dial}}
}

var errCut = errors.New("the wire is cut")

func (w *wire) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil && w.gone {
		_ = conn.Close()
		return nil, errCut
	}
	w.conns = append(w.conns, conn)
	return conn, err
}

// cut ends the connections of the driver for good, without a close frame.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gone = true
	for _, c := range w.conns {
		if c != nil {
			_ = c.Close()
		}
	}
}
