package swarmtest

import (
	"net/http"
	"testing"

	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
)

// Network is a network in memory with one server.
type Network = memnet.Listener

// Serve runs h on a network in memory until the test ends.
func Serve(t testing.TB, h http.Handler) *Network {
	return ServeBy(t, &http.Server{Handler: h}) //nolint:gosec // G112: the only client is the test
}

// ServeBy runs the caller's server on a network in memory until the test ends.
func ServeBy(t testing.TB, server *http.Server) *Network {
	network := memnet.New()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(network)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return network
}
