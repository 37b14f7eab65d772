package remote

import (
	"errors"
	"net"
	"syscall"
)

// hopeless reports whether a retry is useless unless the user asked to wait: no program listens on a port of this
// machine, and none has answered there before. Usually the server was never started.
func (d *doer) hopeless(err error) bool {
	if d.patience.Insist || d.answered.Load() || !errors.Is(err, syscall.ECONNREFUSED) {
		return false
	}
	op, ok := errors.AsType[*net.OpError](err)
	if !ok {
		return false
	}
	tcp, ok := op.Addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
