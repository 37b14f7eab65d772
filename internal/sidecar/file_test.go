package sidecar

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

var at = time.Date(2026, 11, 29, 15, 0, 0, 123_000_000, time.UTC)

// sample is a memory with every kind of content.
func sample() Memory {
	return Memory{
		At: at,
		Drivers: []swarm.Former{
			{ID: "d-1", Labels: map[string]string{"region": "eu", "team": "shöp"}, At: at},
			{ID: "d-2", At: at.Add(-time.Minute), Owner: "eu-drivers"},
			{ID: "d-3", At: at.Add(-time.Second), Deregistered: true},
		},
		Load: []Sample{
			{At: at.Add(-time.Hour), Target: 1_000_000_000_000, Actual: 7},
			{At: at.Add(-time.Minute), Target: 5, Actual: 5, Gap: true},
			{At: at.Add(-time.Minute + 1001*time.Millisecond), Target: 5, Actual: 4},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second write replaces the first
		data, err := encode(sample())
		if err != nil {
			t.Fatal(err)
		}
		if err := write(dir, data); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Load(dir)
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("%v\ngot  %+v\nwant %+v", err, got, sample())
	}
	info, err := os.Stat(filepath.Join(dir, Name))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("the directory has %v", all)
	}
}

func TestNoFileIsNoError(t *testing.T) {
	if m, err := Load(t.TempDir()); err != nil || len(m.Drivers)+len(m.Load) > 0 || !m.At.IsZero() {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestDamage: any damage to the file is an error that names it, never a memory, and never a panic.
func TestDamage(t *testing.T) {
	whole, err := encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"text":           []byte("no JSON"),
		"another format": bytes.Replace(whole, []byte(`"format":1`), []byte(`"format":2`), 1),
		"negative":       []byte(`{"format":1,"bytes":-1}` + "\n"),
	}
	for n := range len(whole) - 1 { // the last byte is a line end
		files[fmt.Sprintf("cut at %d", n)] = whole[:n]
	}
	for _, i := range []int{len(whole) / 2, len(whole) - 3} {
		changed := append([]byte{}, whole...)
		changed[i] ^= 1
		files[fmt.Sprintf("changed at %d", i)] = changed
	}
	for name, data := range files {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, Name), data, 0o600); err != nil {
			t.Fatal(err)
		}
		if m, err := Load(dir); err == nil || !strings.Contains(err.Error(), Name) || len(m.Drivers)+len(m.Load) > 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

// TestHostileBody: content that no server would write is refused, although its checksum is right.
func TestHostileBody(t *testing.T) {
	for name, change := range map[string]func(*Memory){
		"id":     func(m *Memory) { m.Drivers[0].ID = "<script>" },
		"labels": func(m *Memory) { m.Drivers[0].Labels = map[string]string{"a b": "c"} },
	} {
		m := sample()
		change(&m)
		data, err := encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := decode(data); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestDirectoryInPlaceOfTheFile(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Name), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a directory is read as a file")
	}
	if err := write(dir, []byte("x")); err == nil {
		t.Error("a directory is replaced")
	}
	if all, _ := os.ReadDir(dir); len(all) != 1 {
		t.Errorf("the directory has %v", all)
	}
}

func TestBounds(t *testing.T) {
	m := Memory{At: at}
	for i := range MaxDrivers + 5 {
		m.Drivers = append(m.Drivers, swarm.Former{ID: fmt.Sprintf("d-%05d", i),
			At: at.Add(-time.Duration(i) * time.Second)})
	}
	for i := range MaxSamples + 5 {
		m.Load = append(m.Load, Sample{At: at.Add(time.Duration(i-MaxSamples-5) * time.Second), Target: int64(i)})
	}
	data, err := encode(m.bounded())
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(data)
	if err != nil || len(got.Drivers) != MaxDrivers || !got.Partial || got.Drivers[0].ID != "d-00000" ||
		len(got.Load) != MaxSamples || got.Load[0].Target != 5 {
		t.Errorf("%v, %d drivers, partial %v, %d points", err, len(got.Drivers), got.Partial, len(got.Load))
	}
	wide := map[string]string{}
	for i := range swarm.MaxLabels {
		wide[fmt.Sprintf("label-%d", i)] = strings.Repeat("x", swarm.MaxLabelValueBytes)
	}
	m.Drivers = m.Drivers[:3000]
	for i := range m.Drivers {
		m.Drivers[i].Labels = wide
	}
	if data, err = encode(m.bounded()); err != nil || len(data) > maxFile {
		t.Errorf("%v, %d bytes", err, len(data))
	}
	if got, err := decode(data); err != nil || !got.Partial || len(got.Drivers) == 0 {
		t.Errorf("%v, %d drivers, partial %v", err, len(got.Drivers), got.Partial)
	}
}

func TestSince(t *testing.T) {
	m := sample().Since(at.Add(-30 * time.Second))
	if len(m.Drivers) != 2 || m.Drivers[0].ID != "d-1" || m.Drivers[1].ID != "d-3" || len(sample().Drivers) != 3 {
		t.Errorf("%+v", m.Drivers)
	}
}
