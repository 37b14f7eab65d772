package acceptance

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// lightDriver is a driver that costs next to nothing, so that a benchmark measures the server: one goroutine on a bare
// TCP connection that speaks just enough WebSocket, finds the seq by its name and acks at once.
type lightDriver struct {
	conn  net.Conn
	in    *bufio.Reader
	frame []byte
	out   []byte
}

// WebSocket opcodes that a light driver meets.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

// dialLight connects and registers a driver; ended is called when its connection has ended.
func dialLight(t testing.TB, s *server, id string, ended func()) *lightDriver {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	d := &lightDriver{conn: conn, in: bufio.NewReaderSize(conn, 512)}
	_, _ = fmt.Fprintf(conn, "GET /drivers/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: "+
		"websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: "+
		"swarmcall.v1.json\r\n\r\n")
	resp, err := http.ReadResponse(d.in, nil) //nolint:bodyclose // after the upgrade there is none
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("handshake: %v, %v", resp, err)
	}
	if err := d.send(opText, fmt.Appendf(nil, `{"type":"register","driver_id":%q}`, id)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.read(); err != nil || !bytes.Contains(d.frame, []byte(`"registered"`)) {
		t.Fatalf("registered: %s, %v", d.frame, err)
	}
	go func() {
		defer ended()
		d.serve()
	}()
	return d
}

func (d *lightDriver) serve() {
	seqName := []byte(`"seq":`)
	ack := make([]byte, 0, 128)
	for {
		op, err := d.read()
		if err != nil || op == opClose {
			return
		}
		if op == opPing {
			_ = d.send(opPong, d.frame) // a dead connection shows at the next read
		}
		_, seq, found := bytes.Cut(d.frame, seqName)
		if op != opText || !found {
			continue
		}
		digits := bytes.IndexFunc(seq, func(r rune) bool { return r < '0' || r > '9' })
		ack = append(append(append(ack[:0], `{"type":"command_ack","seq":`...), seq[:digits]...), `,"status":"applied"}`...)
		if d.send(opText, ack) != nil {
			return
		}
	}
}

// read reads one frame into d.frame. The server sends each message as one frame, without a mask.
func (d *lightDriver) read() (op byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(d.in, head[:2]); err != nil {
		return 0, err
	}
	op, size := head[0]&0xf, int(head[1])
	if size == 126 {
		if _, err := io.ReadFull(d.in, head[:2]); err != nil {
			return 0, err
		}
		size = int(binary.BigEndian.Uint16(head[:2]))
	}
	if cap(d.frame) < size {
		d.frame = make([]byte, size)
	}
	d.frame = d.frame[:size]
	_, err = io.ReadFull(d.in, d.frame)
	return op, err
}

// send writes one frame of less than 126 bytes, masked with zeros, which leaves it as it is.
func (d *lightDriver) send(op byte, message []byte) error {
	d.out = append(append(d.out[:0], 0x80|op, 0x80|byte(len(message)), 0, 0, 0, 0), message...)
	_, err := d.conn.Write(d.out)
	return err
}
