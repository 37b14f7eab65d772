package sidecar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Name is the name of the file in the data directory.
const Name = "sidecar.json"

const (
	format  = 1
	maxFile = 16 << 20 // 800 bytes for each of MaxDrivers
)

// header is the first line of the file; the second is the body that it describes.
type header struct {
	Format int    `json:"format"`
	Bytes  int    `json:"bytes"`
	CRC32C uint32 `json:"crc32c"`
}

type body struct {
	At      time.Time   `json:"at"`
	Partial bool        `json:"partial,omitempty"`
	Drivers []driver    `json:"drivers"`
	Load    [][]float64 `json:"load"` // [seconds since the previous point, target, actual], and a 1 after a gap
}

type driver struct {
	ID           string            `json:"id"`
	Labels       map[string]string `json:"labels,omitempty"`
	At           *time.Time        `json:"at,omitempty"` // absent: the time of the file
	Deregistered bool              `json:"deregistered,omitempty"`
	Owner        string            `json:"owner,omitempty"`
}

var table = crc32.MakeTable(crc32.Castagnoli)

// Load reads the file of a data directory. A directory without one has an empty memory.
func Load(dir string) (Memory, error) {
	path := filepath.Join(dir, Name)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Memory{}, nil
	}
	if err == nil && (info.Size() > maxFile || !info.Mode().IsRegular()) {
		err = fmt.Errorf("%s is not a regular file of at most %d bytes", path, maxFile)
	}
	if err != nil {
		return Memory{}, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return Memory{}, err
	}
	m, err := decode(data)
	if err != nil {
		return Memory{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// write replaces the file of a data directory.
func write(dir string, data []byte) (err error) {
	f, err := os.CreateTemp(dir, Name+".*.tmp") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, Name))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// clean removes the temporary files of a process that was killed while writing.
func clean(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, Name+".*.tmp"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// encode omits drivers until the file is small enough: each may have 32 labels of 256 bytes.
func encode(m Memory) ([]byte, error) {
	for {
		data, err := encodeAll(m)
		if len(data) <= maxFile || len(m.Drivers) == 0 || err != nil {
			return data, err
		}
		m.Drivers, m.Partial = m.Drivers[:len(m.Drivers)/2], true
	}
}

func encodeAll(m Memory) ([]byte, error) {
	b := body{
		At: m.At, Partial: m.Partial, Drivers: make([]driver, len(m.Drivers)), Load: make([][]float64, len(m.Load)),
	}
	for i, d := range m.Drivers {
		b.Drivers[i] = driver{ID: d.ID, Labels: d.Labels, Deregistered: d.Deregistered, Owner: d.Owner}
		if d.At.Before(m.At) {
			b.Drivers[i].At = &d.At
		}
	}
	before := int64(0)
	for i, s := range m.Load {
		ms := s.At.UnixMilli()
		b.Load[i] = []float64{float64(ms-before) / 1000, float64(s.Target), float64(s.Actual)}
		if s.Gap {
			b.Load[i] = append(b.Load[i], 1)
		}
		before = ms
	}
	data, err := json.Marshal(b)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(header{format, len(data), crc32.Checksum(data, table)})
	if err != nil {
		return nil, err
	}
	return bytes.Join([][]byte{head, data, nil}, []byte{'\n'}), nil
}

func decode(data []byte) (Memory, error) {
	line, rest, _ := bytes.Cut(data, []byte{'\n'})
	var h header
	if err := json.Unmarshal(line, &h); err != nil {
		return Memory{}, fmt.Errorf("its first line cannot be read: %w", err)
	}
	if h.Format != format {
		return Memory{}, fmt.Errorf("it has format %d, written by another version of Swarmcall", h.Format)
	}
	if h.Bytes < 0 || len(rest) < h.Bytes || crc32.Checksum(rest[:h.Bytes], table) != h.CRC32C {
		return Memory{}, errors.New("it is incomplete, or was changed")
	}
	var b body
	if err := json.Unmarshal(rest[:h.Bytes], &b); err != nil {
		return Memory{}, err
	}
	return b.memory()
}

func (b body) memory() (Memory, error) {
	m := Memory{At: b.At, Partial: b.Partial}
	for _, d := range b.Drivers {
		f := swarm.Former{ID: d.ID, Labels: d.Labels, At: b.At, Deregistered: d.Deregistered, Owner: d.Owner}
		if d.At != nil {
			f.At = *d.At
		}
		if !swarm.ValidDriverID(f.ID) || len(swarm.ValidateLabels(f.Labels, "/labels")) > 0 {
			return Memory{}, fmt.Errorf("it has a driver that could not have registered: %q", f.ID)
		}
		m.Drivers = append(m.Drivers, f)
	}
	at := 0.0
	for _, s := range b.Load {
		if len(s) < 3 {
			return Memory{}, errors.New("it has a point of the chart without values")
		}
		at += s[0] * 1000
		moment, gap := time.UnixMilli(int64(at+0.5)).UTC(), len(s) > 3 && s[3] == 1
		m.Load = append(m.Load, Sample{moment, int64(s[1]), int64(s[2]), gap})
	}
	return m.bounded(), nil
}
