package remote

import (
	"errors"
	"net"
	"syscall"
)

// hopeless tells an error for which trying again is of no use unless somebody has asked for patience: no program
// listens at a port of this machine, and none has answered there before. Most often the server was never started.
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
