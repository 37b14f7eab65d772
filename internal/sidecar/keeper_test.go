package sidecar

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kept is a Keeper that runs in a bubble, and the memory it must save.
type kept struct {
	*Keeper
	dir string
	log bytes.Buffer

	mu    sync.Mutex
	now   Memory
	takes int
}

// set changes what must be remembered.
func (k *kept) set(change func(*Memory)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	change(&k.now)
}

func (k *kept) take() Memory {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.takes++
	m := k.now
	m.Drivers, m.Load = slices.Clone(m.Drivers), slices.Clone(m.Load)
	return m
}

// writes returns how often the file was written, or would have been.
func (k *kept) writes() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.takes
}

func keep(t *testing.T, dir string) *kept {
	t.Helper()
	k := &kept{dir: dir}
	k.Keeper = NewKeeper(Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&k.log, nil)), Take: k.take})
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { k.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	synctest.Wait()
	return k
}

// after lets time pass in the bubble, and returns what is remembered then.
func (k *kept) after(t *testing.T, d time.Duration) Memory {
	t.Helper()
	<-time.After(d)
	synctest.Wait()
	m, err := Load(k.dir)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestDeregistrationIsWrittenSoon(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, dir)
		k.set(func(m *Memory) { m.Drivers = []swarm.Former{{ID: "d-1", Deregistered: true}} })
		k.Soon()
		k.Soon()
		if m := k.after(t, 200*time.Millisecond); len(m.Drivers) != 1 || !m.Drivers[0].Deregistered {
			t.Errorf("after 200 ms: %+v", m)
		}
		k.set(func(m *Memory) { m.Drivers = append(m.Drivers, swarm.Former{ID: "d-2", Deregistered: true}) })
		k.Changed() // its write would be 2 s away
		k.after(t, 10*time.Millisecond)
		k.Soon()
		if m := k.after(t, 200*time.Millisecond); len(m.Drivers) != 2 {
			t.Errorf("a change was waiting; after 200 ms: %+v", m)
		}
	})
}

func TestChangesAreWrittenEveryTwoSeconds(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, dir)
		for i := range 100 {
			k.set(func(m *Memory) { m.Load = append(m.Load, Sample{At: time.Now(), Actual: int64(i) + 1}) })
			k.Changed()
			k.after(t, 100*time.Millisecond)
		}
		if n := k.writes(); n < 4 || n > 6 {
			t.Errorf("%d writes in 10 s", n)
		}
	})
}

func TestTimeIsWrittenEveryTenSecondsWhileADriverIsKnown(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, dir)
		before := k.after(t, 11*time.Second)
		if idle := k.after(t, time.Minute); !idle.At.Equal(before.At) {
			t.Errorf("with no driver known it was written again: %v, %v", before.At, idle.At)
		}
		k.set(func(m *Memory) { m.Drivers = []swarm.Former{{ID: "d-1"}} })
		if m := k.after(t, 11*time.Second); time.Since(m.At) > 11*time.Second || len(m.Drivers) != 1 {
			t.Errorf("a driver is here, and it is %v old", time.Since(m.At))
		}
	})
}

func TestWrittenAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, dir)
		k.set(func(m *Memory) { m.Drivers = []swarm.Former{{ID: "d-1"}} })
	})
	if m, err := Load(dir); err != nil || len(m.Drivers) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestUnwritable: the keeper logs the failure once, and continues.
func TestUnwritable(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "absent")
	synctest.Test(t, func(t *testing.T) {
		k := keep(t, dir)
		for range 3 {
			k.Changed()
			<-time.After(3 * time.Second)
		}
		synctest.Wait()
		if n := strings.Count(k.log.String(), "cannot save the drivers"); n != 1 || k.writes() < 3 {
			t.Errorf("%d warnings, %d writes: %s", n, k.writes(), k.log.String())
		}
	})
}

// TestUnfinishedFileIsRemoved: a process that was killed while writing leaves no file behind.
func TestUnfinishedFileIsRemoved(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, Name+".123.tmp")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { keep(t, dir) })
	if _, err := os.Stat(left); err == nil {
		t.Error("it is there still")
	}
}
