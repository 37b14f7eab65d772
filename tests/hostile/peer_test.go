package hostile

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

var mask = [4]byte{0x37, 0xfa, 0x21, 0x3d}

// frame returns one masked frame. head has its opcode and the bits beside it.
func frame(head byte, payload string) []byte {
	b := header(head, uint64(len(payload)))
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// header returns the beginning of a masked frame.
func header(head byte, size uint64) []byte {
	b := []byte{head, 0x80}
	switch {
	case size < 126:
		b[1] |= byte(size)
	case size < 1<<16:
		b[1] |= 126
		b = binary.BigEndian.AppendUint16(b, uint16(size))
	default:
		b[1] |= 127
		b = binary.BigEndian.AppendUint64(b, size)
	}
	return append(b, mask[:]...)
}

// peer is a driver on a bare TCP connection: it can send what no WebSocket library would send.
type peer struct {
	*net.TCPConn
	in *bufio.Reader
}

// refusal is an answer to the handshake that is no upgrade.
type refusal int

func (r refusal) Error() string { return fmt.Sprintf("the handshake: %d", int(r)) }

// dial upgrades a connection with a token; "" for none.
func dial(addr, token string) (*peer, error) {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return nil, err
	}
	p := &peer{conn.(*net.TCPConn), bufio.NewReaderSize(conn, 512)}
	if err := p.upgrade(token); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return p, nil
}

func (p *peer) upgrade(token string) error {
	_ = p.SetDeadline(time.Now().Add(patience))
	request := "GET /drivers/connect HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
		"Sec-WebSocket-Protocol: swarmcall.v1.json\r\n"
	if token != "" {
		request += "Authorization: Bearer " + token + "\r\n"
	}
	if _, err := io.WriteString(p, request+"\r\n"); err != nil {
		return err
	}
	resp, err := http.ReadResponse(p.in, nil)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return errors.Join(refusal(resp.StatusCode), resp.Body.Close())
	}
	return nil
}

func (p *peer) register(id string) error {
	if _, err := p.Write(frame(fin|opText, fmt.Sprintf(`{"type":"register","driver_id":%q}`, id))); err != nil {
		return err
	}
	_, said, err := p.next()
	if err == nil && !strings.Contains(said, `"registered"`) {
		err = errors.New(said)
	}
	return err
}

// next reads one frame. The server sends each message as one, without a mask.
func (p *peer) next() (op byte, payload string, err error) {
	var head [8]byte
	if _, err := io.ReadFull(p.in, head[:2]); err != nil {
		return 0, "", err
	}
	op, size := head[0]&0xf, int(head[1])
	if head[0]&(rsv1|rsv2|rsv3) != 0 || head[0]&fin == 0 || size > 126 {
		return 0, "", fmt.Errorf("the server sends a frame that begins with %x", head[:2])
	}
	if size == 126 {
		if _, err := io.ReadFull(p.in, head[:2]); err != nil {
			return 0, "", err
		}
		size = int(binary.BigEndian.Uint16(head[:2]))
	}
	b := make([]byte, size)
	_, err = io.ReadFull(p.in, b)
	return op, string(b), err
}

// codeOf returns the code in the payload of a close frame: 1005 if there is none.
func codeOf(payload string) int {
	if len(payload) < 2 {
		return 1005
	}
	return int(payload[0])<<8 | int(payload[1])
}
