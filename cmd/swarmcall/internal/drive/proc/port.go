package proc

import (
	"context"
	"net"
)

// FreePort returns a port of 127.0.0.1 that nobody listens on, for a generator that cannot choose one and tell.
func FreePort(ctx context.Context) (address string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
