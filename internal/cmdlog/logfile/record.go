package logfile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A stored record. Both format versions are read for ever, and version 1 is written wherever it is enough, so that an older server
// reads a log until something new is in it:
//
//	bytes  what
//	0–1    magic "SC"
//	2      format version: 2 for a record with anything that version 1 lacks, see versionOf; else 1
//	3      kind: 1 issued, 2 closed, 3 late, 4 reset; since version 2 also 5 expired
//	4      flags: bit 0, the body is compressed with zstd
//	5–7    zero
//	8–39   SHA-256 of the record before it by the same writer; zero for the first
//	40–71  SHA-256 over bytes 0–39 and the body as stored
//	72–    body: JSON, see body.go
const (
	formatVersion = 2 // the newest that this program reads
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
	kindExpired
)

// Sum is a record's hash, a SHA-256.
type Sum [sha256.Size]byte

// Codec turns records into stored bytes and back. It is safe for concurrent use.
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

// Decode reads the record stored at pos, with the hash it names as the one before it, and its own. The error is a *DamagedError.
func (c *Codec) Decode(pos uint64, b []byte) (r swarm.Record, prev, own Sum, err error) {
	damaged := func(what string) (swarm.Record, Sum, Sum, error) {
		return nil, Sum{}, Sum{}, &DamagedError{Position: pos, To: pos, What: what}
	}
	newer := func(what string) (swarm.Record, Sum, Sum, error) {
		what = "it was written by a newer version of Swarmcall: " + what + "; use that version or a newer one"
		return nil, Sum{}, Sum{}, &DamagedError{Position: pos, To: pos, What: what, Newer: true}
	}
	switch {
	case len(b) < headerBytes || string(b[:2]) != "SC":
		return damaged("it does not begin as a record does")
	case b[2] > formatVersion:
		return newer(fmt.Sprintf("it is of format version %d, and this program reads up to %d", b[2], formatVersion))
	case b[2] == 0:
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
	r, err = decodeBody(kind(b[3]), body)
	switch {
	case errors.Is(err, errNewer): // its hash is right, so what is not understood was meant so
		return newer(err.Error())
	case err != nil:
		return damaged(err.Error())
	}
	return r, prev, own, nil
}

// versionOf is the least format version that can hold r.
func versionOf(r swarm.Record) byte {
	switch r := r.(type) {
	case *swarm.Issued:
		if len(r.LeftOut) > 0 || r.Condition != nil {
			return 2
		}
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
