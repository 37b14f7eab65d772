package proc

import (
	"context"
	"net"
)

// FreePort returns a free port of 127.0.0.1, for a generator that cannot choose one itself and report it.
func FreePort(ctx context.Context) (address string, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
