package logfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/minio/highwayhash"
)

// The engine keeps messages in block files, one frame after the other, all numbers little-endian:
//
//	bytes    what
//	0–3      length of the frame; the highest bit says that it has headers
//	4–11     position in the stream; bit 63 marks an erased message, bit 62 a tombstone
//	12–19    time of storing, nanoseconds since the Unix epoch
//	20–21    length of the subject
//	22–      subject; if it has headers, their length in 4 bytes and the headers; payload
//	last 8   HighwayHash of bytes 4–19, subject, headers and payload, with a key of stream name and block number
//
// Subject length and headers length are not covered by the hash, so they are compared with the only valid values.
const (
	frameHeader  = 22
	frameSum     = 8
	frameMost    = 32 << 20 // bytes of the longest frame that the engine accepts
	hasHeaders   = 1 << 31
	erased       = 1 << 63
	tombstone    = 1 << 62
	headersFirst = "NATS/1.0\r\n"
	headersLast  = "\r\n\r\n"
)

// StreamName and Subject are the engine's names for the log. Both are part of the stored format.
const (
	StreamName = "SWARMCALL"
	Subject    = "swarmcall.log"
)

// frame is one message in a block.
type frame struct {
	offset, size int
	pos          uint64
	gone         bool // erased or a tombstone: there is no message at pos
	at           time.Time
	payload      []byte
}

// block reads the frames of one block file.
type block struct {
	number int
	data   []byte
	hash   *highwayhash.Digest64
}

func newBlock(number int, data []byte) (*block, error) {
	key := sha256.Sum256(fmt.Appendf(nil, "%s-%d", StreamName, number))
	h, err := highwayhash.NewDigest64(key[:])
	return &block{number, data, h}, err
}

// frame reads the frame at offset; if what is not empty, it says why there is none.
func (b *block) frame(offset int) (f frame, what string) {
	rest := b.data[offset:]
	if len(rest) < frameHeader+frameSum {
		return f, "a record begins here and is cut off"
	}
	le := binary.LittleEndian
	length, subject := le.Uint32(rest), int(le.Uint16(rest[20:]))
	withHeaders := length&hasHeaders != 0
	size := int(length &^ hasHeaders)
	switch {
	case size < frameHeader+frameSum+subject || size > frameMost:
		return f, "no record begins here"
	case size > len(rest):
		return f, "a record begins here and is cut off"
	}
	f = frame{offset: offset, size: size, pos: le.Uint64(rest[4:]), at: time.Unix(0, int64(le.Uint64(rest[12:]))).UTC()}
	f.gone = f.pos&(erased|tombstone) != 0
	f.pos &^= erased | tombstone
	body := rest[frameHeader : size-frameSum]
	headers, payload, ok := split(body, subject, withHeaders, f.gone)
	if !ok || b.sum(rest[4:20], body[:subject], headers, payload) != [frameSum]byte(rest[size-frameSum:size]) {
		return f, "the engine's checksum does not match the bytes"
	}
	f.payload = payload
	return f, ""
}

func split(body []byte, subject int, withHeaders, gone bool) (headers, payload []byte, ok bool) {
	if named := string(body[:subject]) == Subject; !named && (!gone || subject > 0) {
		return nil, nil, false
	}
	rest := body[subject:]
	if !withHeaders {
		return nil, rest, true
	}
	if len(rest) < 4 {
		return nil, nil, false
	}
	n := int64(binary.LittleEndian.Uint32(rest))
	if rest = rest[4:]; n > int64(len(rest)) {
		return nil, nil, false
	}
	headers, payload = rest[:n], rest[n:]
	return headers, payload, bytes.HasPrefix(headers, []byte(headersFirst)) &&
		bytes.HasSuffix(headers, []byte(headersLast))
}

func (b *block) sum(parts ...[]byte) (sum [frameSum]byte) {
	b.hash.Reset()
	for _, p := range parts {
		_, _ = b.hash.Write(p) // a hash never fails
	}
	b.hash.Sum(sum[:0])
	return sum
}

// next returns the offset of the first complete frame after offset; the length of the block if there is none.
func (b *block) next(offset int) int {
	for at := offset + 1; ; {
		i := bytes.Index(b.data[min(at+frameHeader, len(b.data)):], []byte(Subject))
		if i < 0 {
			return len(b.data)
		}
		at += i
		if _, what := b.frame(at); what == "" {
			return at
		}
		at++
	}
}

// absentFrame returns a frame that marks the message at pos as absent, in the engine's format.
func (b *block) absentFrame(pos uint64, at time.Time) []byte {
	f := make([]byte, frameHeader+frameSum)
	le := binary.LittleEndian
	le.PutUint32(f, uint32(len(f)))
	le.PutUint64(f[4:], pos|erased)
	le.PutUint64(f[12:], uint64(at.UnixNano()))
	sum := b.sum(f[4:20])
	copy(f[frameHeader:], sum[:])
	return f
}
