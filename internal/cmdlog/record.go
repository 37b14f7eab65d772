package cmdlog

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A stored record, format version 1, kept for ever:
//
//	bytes  what
//	0–1    magic "SC"
//	2      format version, 1
//	3      kind: 1 issued, 2 closed, 3 late, 4 reset
//	4      flags: bit 0, the body is compressed with zstd
//	5–7    zero
//	8–39   SHA-256 of the record before it by the same writer; zero for the first
//	40–71  SHA-256 over bytes 0–39 and the body as stored
//	72–    body: JSON, see body.go
const (
	formatVersion = 1
	flagZstd      = 1
	sumAt         = 40
	headerBytes   = 72
	compressOver  = 512      // bytes of body from which compression pays
	maxBody       = 64 << 20 // bytes a compressed body may unfold to
)

type kind byte

const (
	kindIssued kind = 1 + iota
	kindClosed
	kindLate
	kindReset
)

// sum is a SHA-256.
type sum [sha256.Size]byte

// DamagedError tells of a stored record that cannot be read.
type DamagedError struct {
	Position uint64
	What     string
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("log record %d is damaged: %s", e.Position, e.What)
}

// codec turns records into stored bytes and back. It is safe for concurrent use.
type codec struct {
	zip   *zstd.Encoder
	unzip *zstd.Decoder
}

func newCodec() (*codec, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	return &codec{zip, unzip}, nil
}

func (c *codec) close() { c.unzip.Close() }

// encode returns the stored form of r after the record with hash prev, and its own hash.
func (c *codec) encode(r swarm.Record, prev sum) ([]byte, sum, error) {
	k, body, err := encodeBody(r)
	if err != nil {
		return nil, sum{}, err
	}
	b := make([]byte, headerBytes, headerBytes+len(body))
	copy(b, "SC")
	b[2], b[3] = formatVersion, byte(k)
	copy(b[8:], prev[:])
	if len(body) > compressOver {
		b[4] |= flagZstd
		b = c.zip.EncodeAll(body, b)
	} else {
		b = append(b, body...)
	}
	own := hash(b)
	copy(b[sumAt:], own[:])
	return b, own, nil
}

// decode reads the record stored at pos, with the hash it names as the one before it, and its own.
func (c *codec) decode(pos uint64, b []byte) (r swarm.Record, prev, own sum, err error) {
	damaged := func(what string) (swarm.Record, sum, sum, error) {
		return nil, sum{}, sum{}, &DamagedError{pos, what}
	}
	switch {
	case len(b) < headerBytes || string(b[:2]) != "SC":
		return damaged("it does not begin as a record does")
	case b[2] > formatVersion:
		return damaged(fmt.Sprintf("it is of format version %d, this server reads up to %d; use a newer server", b[2], formatVersion))
	case b[2] != formatVersion:
		return damaged("its format version is unknown")
	}
	own = hash(b)
	if !bytes.Equal(own[:], b[sumAt:headerBytes]) {
		return damaged("its hash does not fit its bytes")
	}
	copy(prev[:], b[8:])
	body := b[headerBytes:]
	if b[4]&flagZstd != 0 {
		if body, err = c.unzip.DecodeAll(body, nil); err != nil {
			return damaged("its body does not unfold")
		}
	}
	if r, err = decodeBody(kind(b[3]), body); err != nil {
		return damaged(err.Error())
	}
	return r, prev, own, nil
}

// hash covers everything but the hash itself.
func hash(b []byte) sum {
	h := sha256.New()
	_, _ = h.Write(b[:sumAt]) // a hash never fails
	_, _ = h.Write(b[headerBytes:])
	return sum(h.Sum(nil))
}
