package remote

import (
	"errors"
	"net"
	"syscall"
)

// hopeless reports whether to try a server again is useless unless the user asked to wait: no program listens on a port
// of this machine, and none has answered there before. Usually the server was never started.
func (d *doer) hopeless(s *server, err error) bool {
	if d.patience.Insist || s.answered.Load() || !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return false
	}
	tcp, ok := op.Addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// hopeless reports whether err is that of a request for which no server is worth another try.
func hopeless(err error) bool {
	u, ok := errors.AsType[*unavailable](err)
	return ok && u.hopeless
}
