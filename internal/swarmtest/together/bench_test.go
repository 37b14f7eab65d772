package together

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// BenchmarkSockets measures a command from Submit to its outcome over real loopback sockets; each round ends with the
// last ack. The drivers are minimal and allocate nothing, so allocs/op are the server's. CPU is that of both sides,
// which share the process.
func BenchmarkSockets(b *testing.B) {
	for _, n := range []int{1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := open(b)
			defer w.stop()
			heap, stack := memory()
			server := httptest.NewServer(w.handler())
			defer server.Close()
			var lights sync.WaitGroup
			for i := range n {
				conn := dialLight(b, server.Listener.Addr().String(), fmt.Sprintf("d-%06d", i))
				defer func() { _ = conn.Close() }()
				lights.Go(func() { ackAll(conn) })
			}
			waitFor(b, func() bool { return w.active() == n })
			idleHeap, idleStack := memory()
			s := submission(players(1), time.Minute)
			before := cpu()
			b.ReportAllocs()
			for b.Loop() {
				if e, err := w.submit(s); err != nil || e.Counts().Acked < n*99/100 {
					b.Fatalf("%+v %v", e.Counts(), err)
				}
			}
			b.ReportMetric(float64((cpu()-before).Nanoseconds())/float64(b.N)/float64(n), "cpu-ns/ack")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/ack")
			b.ReportMetric(float64(idleHeap-heap)/float64(n), "heap-B/session")
			b.ReportMetric(float64(idleStack-stack)/float64(n), "stack-B/session")
			b.StopTimer()
		})
	}
}

// memory returns the memory in use of both sides. Each driver's part is a goroutine, its stack and half a KiB of
// buffer.
func memory() (heap, stack uint64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, m.StackInuse
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// dialLight upgrades and registers by hand.
func dialLight(b *testing.B, addr, id string) net.Conn {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		b.Fatal(err)
	}
	register := `{"type":"register","driver_id":"` + id + `"}`
	_, err = fmt.Fprintf(conn, "GET /drivers/connect HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: "+
		"websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+
		"%s\r\n\r\n%s%s",
		wire.Subprotocol, []byte{0x81, 0x80 | byte(len(register)), 0, 0, 0, 0}, register)
	if err != nil {
		b.Fatal(err)
	}
	return conn
}

// ackAll answers every command, and adds a heartbeat at most once a second. It reads frames of under 64 KiB, unmasked
// and unfragmented.
func ackAll(conn net.Conn) {
	r := bufio.NewReaderSize(conn, 512)
	for { // the answer to the upgrade
		line, err := r.ReadSlice('\n')
		if err != nil {
			return
		}
		if len(line) == 2 {
			break
		}
	}
	heartbeat := []byte(`{"type":"heartbeat"}`)
	beat := append([]byte{0x81, 0x80 | byte(len(heartbeat)), 0, 0, 0, 0}, heartbeat...)
	beatAt := time.Now()
	var frame, out []byte
	var head [4]byte
	for {
		if _, err := io.ReadFull(r, head[:2]); err != nil {
			return
		}
		n := int(head[1])
		if n == 126 {
			if _, err := io.ReadFull(r, head[2:]); err != nil {
				return
			}
			n = int(binary.BigEndian.Uint16(head[2:]))
		}
		if cap(frame) < n {
			frame = make([]byte, n)
		}
		if _, err := io.ReadFull(r, frame[:n]); err != nil {
			return
		}
		out = out[:0]
		if seq, ok := seqOf(frame[:n]); ok {
			out = append(out, 0x81, 0, 0, 0, 0, 0)
			out = wire.AppendApplied(out, seq)
			out[1] = 0x80 | byte(len(out)-6)
		}
		if now := time.Now(); now.Sub(beatAt) > time.Second {
			out, beatAt = append(out, beat...), now
		}
		if _, err := conn.Write(out); err != nil {
			return
		}
	}
}

// seqOf scans a command frame.
func seqOf(b []byte) (seq uint64, ok bool) {
	const head = `{"type":"command","seq":`
	if len(b) < len(head) || string(b[:len(head)]) != head {
		return 0, false
	}
	for _, c := range b[len(head):] {
		if c < '0' || c > '9' {
			break
		}
		seq = seq*10 + uint64(c-'0')
	}
	return seq, true
}
