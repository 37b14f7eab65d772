package logfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A stored record. Both format versions remain readable for all time, and version 1 is written wherever it is
// sufficient, so that an older server can read a log until it contains something new:
//
//	bytes  what
//	0–1    magic "SC"
//	2      format version: 2 for a record with anything that version 1 does not have, see versionOf; else 1
//	3      kind: 1 issued, 2 closed, 3 late, 4 reset; since version 2 also 5 expired
//	4      flags: bit 0, the body is compressed with zstd
//	5–7    zero
//	8–39   SHA-256 of the record before it by the same writer; zero for the first
//	40–71  SHA-256 over bytes 0–39 and the body as stored
//	72–    body: JSON, see body.go
const (
	flagZstd     = 1
	sumAt        = 40
	headerBytes  = 72
	compressOver = 512      // bytes of body from which compression pays
	maxBody      = 64 << 20 // bytes that a compressed body may expand to
)

// FormatVersion is the newest version of the format that this program reads.
const FormatVersion = 2

type kind byte

const (
	kindIssued kind = 1 + iota
	kindClosed
	kindLate
	kindReset
	kindExpired
)

// Sum is a record's hash, a SHA-256.
type Sum [sha256.Size]byte

// Codec encodes records as stored bytes and decodes them. It is safe for concurrent use.
type Codec struct {
	zip   *zstd.Encoder
	unzip *zstd.Decoder
}

// NewCodec returns a codec, to be closed after use.
func NewCodec() (*Codec, error) {
	zip, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	unzip, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxBody))
	if err != nil {
		return nil, err
	}
	return &Codec{zip, unzip}, nil
}

// Close ends the codec's goroutines.
func (c *Codec) Close() { c.unzip.Close() }

// Encode returns the stored form of r after the record with hash prev, and its own hash.
func (c *Codec) Encode(r swarm.Record, prev Sum) ([]byte, Sum, error) {
	k, body, err := encodeBody(r)
	if err != nil {
		return nil, Sum{}, err
	}
	b := make([]byte, headerBytes, headerBytes+len(body))
	copy(b, "SC")
	b[2], b[3] = versionOf(r), byte(k)
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

// Decode reads the record stored at pos, with the hash of its predecessor and its own. The error is a *DamagedError.
func (c *Codec) Decode(pos uint64, b []byte) (r swarm.Record, prev, own Sum, err error) {
	s, err := c.open(pos, b)
	if err != nil {
		return nil, Sum{}, Sum{}, err
	}
	r, err = decodeBody(s.kind, s.body)
	switch {
	case errors.Is(err, errNewer): // its hash is right, so the unknown content was written on purpose
		return nil, Sum{}, Sum{}, newer(pos, err.Error())
	case err != nil:
		return nil, Sum{}, Sum{}, damagedAt(pos, err.Error())
	}
	return r, s.prev, s.own, nil
}

// opened is a stored record whose hash is right, with its uncompressed body.
type opened struct {
	kind      kind
	body      []byte
	prev, own Sum
}

func (c *Codec) open(pos uint64, b []byte) (s opened, err error) {
	switch {
	case len(b) < headerBytes || string(b[:2]) != "SC":
		return s, damagedAt(pos, "it does not begin with a record header")
	case b[2] > FormatVersion:
		what := fmt.Sprintf("it is of format version %d, and this program reads up to %d", b[2], FormatVersion)
		return s, newer(pos, what)
	case b[2] == 0:
		return s, damagedAt(pos, "its format version is unknown")
	}
	s.kind, s.body, s.own = kind(b[3]), b[headerBytes:], hash(b)
	if !bytes.Equal(s.own[:], b[sumAt:headerBytes]) {
		return s, damagedAt(pos, "its hash does not match its bytes")
	}
	copy(s.prev[:], b[8:])
	if b[4]&flagZstd != 0 {
		if s.body, err = c.unzip.DecodeAll(s.body, nil); err != nil {
			return s, damagedAt(pos, "its body cannot be decompressed")
		}
	}
	return s, nil
}

func damagedAt(pos uint64, what string) error {
	return &DamagedError{Position: pos, To: pos, What: what}
}

func newer(pos uint64, what string) error {
	what = "it was written by a newer version of Swarmcall: " + what + "; use that version or a newer one"
	return &DamagedError{Position: pos, To: pos, What: what, Newer: true}
}

// versionOf returns the lowest format version that can hold r.
func versionOf(r swarm.Record) byte {
	switch r := r.(type) {
	case *swarm.Issued:
		row, _ := r.Command.Type.Row()
		if len(r.LeftOut) > 0 || r.Condition != nil || r.Via != nil {
			return max(2, row.Format)
		}
		return max(1, row.Format)
	case *swarm.Expired:
		return 2
	}
	return 1
}

// hash covers everything but the hash itself.
func hash(b []byte) Sum {
	h := sha256.New()
	_, _ = h.Write(b[:sumAt]) // a hash never fails
	_, _ = h.Write(b[headerBytes:])
	return Sum(h.Sum(nil))
}
