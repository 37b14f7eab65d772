package drivers

import (
	"net"
	"slices"
	"testing"
	"time"
)

// recorder is a connection that keeps the data of each write.
type recorder struct {
	net.Conn
	writes []string
}

func (r *recorder) Write(p []byte) (int, error) {
	r.writes = append(r.writes, string(p))
	return len(p), nil
}

func TestWaitingFramesLeaveInOneWrite(t *testing.T) {
	kernel := &recorder{}
	s := &socket{Conn: kernel, raw: kernel, since: time.Now()}
	write := func(frames ...string) {
		for _, f := range frames {
			if n, err := s.Write([]byte(f)); n != len(f) || err != nil {
				t.Errorf("write: %d %v", n, err)
			}
		}
	}
	write("alone")
	s.cork()
	write("to", "get", "her")
	if err := s.uncork(); err != nil {
		t.Error(err)
	}
	write("after")
	if want := []string{"alone", "together", "after"}; !slices.Equal(kernel.writes, want) {
		t.Errorf("the kernel got %q, want %q", kernel.writes, want)
	}
}
