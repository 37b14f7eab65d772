// Package light has a driver that costs next to nothing, so that a benchmark measures the server: on a bare TCP
// connection it speaks just enough WebSocket, finds the seq of a command by its name and acks at once.
package light

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
)

// WebSocket opcodes that a light driver meets.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

const handshake = "GET /drivers/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
	"Sec-WebSocket-Protocol: swarmcall.v1.json\r\n\r\n"

// Driver is a registered driver. One goroutine calls Serve; others may call Beat, Deregister and Close meanwhile.
type Driver struct {
	conn  net.Conn
	in    *bufio.Reader
	frame []byte
	out   []byte // of Serve
}

// Dial connects to the server at a host and port, and registers.
func Dial(ctx context.Context, addr, id string) (*Driver, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	end := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer end()
	d := &Driver{conn: conn, in: bufio.NewReaderSize(conn, 512)}
	if err := d.register(id); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return d, nil
}

func (d *Driver) register(id string) error {
	if _, err := io.WriteString(d.conn, handshake); err != nil {
		return err
	}
	resp, err := http.ReadResponse(d.in, nil) //nolint:bodyclose // after the upgrade there is none
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errors.New("handshake: " + resp.Status)
	}
	if err := d.write(message(nil, opText, fmt.Appendf(nil, `{"type":"register","driver_id":%q}`, id))); err != nil {
		return err
	}
	if _, err := d.read(); err != nil || !bytes.Contains(d.frame, []byte(`"registered"`)) {
		return fmt.Errorf("registered: %s, %w", d.frame, err)
	}
	return nil
}

// Serve acks commands until the connection ends. If heard is not nil, it is called before each ack; it must not keep
// the frame.
func (d *Driver) Serve(heard func(seq uint64, frame []byte)) {
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
		digits := seq[:bytes.IndexFunc(seq, func(r rune) bool { return r < '0' || r > '9' })]
		if heard != nil {
			n, _ := strconv.ParseUint(string(digits), 10, 64) // always digits
			heard(n, d.frame)
		}
		ack = append(append(append(ack[:0], `{"type":"command_ack","seq":`...), digits...), `,"status":"applied"}`...)
		if d.send(opText, ack) != nil {
			return
		}
	}
}

// Beat sends a heartbeat.
func (d *Driver) Beat() error {
	const report = `{"type":"heartbeat","applied_seq":0,"state":{"players":0,"spawn_delay_ms":0,"running":false}}`
	return d.write(message(nil, opText, []byte(report)))
}

// Deregister leaves. The server closes the connection, which ends Serve.
func (d *Driver) Deregister() error {
	return d.write(message(nil, opText, []byte(`{"type":"deregister","reason":"done"}`)))
}

// Close ends the connection, as when the driver's machine is lost.
func (d *Driver) Close() error { return d.conn.Close() }

// read reads one frame into d.frame. The server sends each message as one frame, without a mask.
func (d *Driver) read() (op byte, err error) {
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

// send is only for Serve, because it reuses one buffer.
func (d *Driver) send(op byte, payload []byte) error {
	d.out = message(d.out[:0], op, payload)
	return d.write(d.out)
}

func (d *Driver) write(frame []byte) error {
	_, err := d.conn.Write(frame) // whole, even if another goroutine writes
	return err
}

// message appends a frame of less than 126 bytes to b, masked with zeros, which leaves the payload as it is.
func message(b []byte, op byte, payload []byte) []byte {
	return append(append(b, 0x80|op, 0x80|byte(len(payload)), 0, 0, 0, 0), payload...)
}
