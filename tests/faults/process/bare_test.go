package process_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// bare is a driver on a bare TCP connection: it costs almost nothing, and can send what no WebSocket library would
// send.
type bare struct {
	conn net.Conn
	in   *bufio.Reader
}

// Opcodes of frames, and the bits beside them.
const (
	opMore   = 0
	opText   = 1
	opBinary = 2
	opClose  = 8
	opPing   = 9
	opPong   = 10

	fin  = 0x80
	rsv1 = 0x40
	rsv2 = 0x20
	rsv3 = 0x10
)

const upgrade = "GET /drivers/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Extensions: " +
	"permessage-deflate\r\n" +
	"Sec-WebSocket-Protocol: swarmcall.v1.json\r\n\r\n"

// open upgrades a connection. It fails if that takes too long.
func open(addr string, within time.Duration) (*bare, error) {
	conn, err := net.DialTimeout("tcp", addr, within)
	if err != nil {
		return nil, err
	}
	return upgraded(conn, within)
}

func upgraded(conn net.Conn, within time.Duration) (*bare, error) {
	b := &bare{conn: conn, in: bufio.NewReaderSize(conn, 512)}
	_ = conn.SetDeadline(time.Now().Add(within))
	if _, err := io.WriteString(conn, upgrade); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	resp, err := http.ReadResponse(b.in, nil) //nolint:bodyclose // after the upgrade there is none
	switch {
	case err != nil:
	case resp.StatusCode != http.StatusSwitchingProtocols:
		err = errors.New(resp.Status)
	case resp.Header.Get("Sec-WebSocket-Extensions") != "":
		err = errors.New("the server agreed to an extension: " + resp.Header.Get("Sec-WebSocket-Extensions"))
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return b, nil
}

// join upgrades and registers.
func join(addr, id string, within time.Duration) (*bare, error) {
	b, err := open(addr, within)
	if err != nil {
		return nil, err
	}
	return b, b.register(id)
}

// register uses the deadline of the connection, and then removes it.
func (b *bare) register(id string) (err error) {
	if _, err = b.conn.Write(whole(opText, fmt.Sprintf(`{"type":"register","driver_id":%q}`, id))); err == nil {
		var said string
		if _, said, err = b.read(); err == nil && !strings.Contains(said, `"registered"`) {
			err = errors.New(said)
		}
	}
	if err != nil {
		return errors.Join(err, b.conn.Close())
	}
	return b.conn.SetDeadline(time.Time{})
}

// read reads one frame. The server sends each message as one, without a mask.
func (b *bare) read() (op byte, payload string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(b.in, head[:2]); err != nil {
		return 0, "", err
	}
	op, size := head[0]&0xf, int(head[1])
	if size == 126 {
		if _, err := io.ReadFull(b.in, head[:2]); err != nil {
			return 0, "", err
		}
		size = int(binary.BigEndian.Uint16(head[:2]))
	}
	p := make([]byte, size)
	_, err = io.ReadFull(b.in, p)
	return op, string(p), err
}

// code reads on until the server closes, and returns the close code: 1005 if there is none in the frame.
func (b *bare) code() (int, error) {
	for {
		op, payload, err := b.read()
		switch {
		case err != nil:
			return 0, err
		case op == opClose && len(payload) < 2:
			return 1005, nil
		case op == opClose:
			return int(binary.BigEndian.Uint16([]byte(payload))), nil
		}
	}
}

// whole returns a message in one frame, masked with zeros, which leave it unchanged.
func whole(op byte, payload string) []byte { return fragment(fin|op, payload) }

// fragment returns a frame with these bits and opcode.
func fragment(head byte, payload string) []byte {
	return append(header(head, uint64(len(payload)), true), payload...)
}

// header writes the length of a frame.
func header(head byte, size uint64, masked bool) []byte {
	h := []byte{head, 0}
	switch {
	case size < 126:
		h[1] = byte(size)
	case size < 1<<16:
		h[1] = 126
		h = binary.BigEndian.AppendUint16(h, uint16(size))
	default:
		h[1] = 127
		h = binary.BigEndian.AppendUint64(h, size)
	}
	if masked {
		h[1] |= 0x80
		h = append(h, 0, 0, 0, 0)
	}
	return h
}
