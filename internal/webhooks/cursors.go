package webhooks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// CursorsName is the name of the file of cursors in the data directory.
const CursorsName = "webhooks.json"

const (
	cursorsFormat = 1
	saveEvery     = 250 * time.Millisecond // between two writes, at least
	saveShare     = 20                     // a write is followed by a pause this many times as long
	keepRemoved   = 24 * time.Hour         // how long the cursor of a hook is kept that is no longer in the file
)

// cursors are the places of all hooks. They are stored in one file, which is synced: a hook whose cursor was lost would
// look like a new one.
type cursors struct {
	dir    string
	logger *slog.Logger

	mu    sync.Mutex
	of    map[string]cursor // by name of the hook
	dirty bool              // there is something to write
	wake  chan struct{}

	saving sync.Mutex // one write at a time
	failed bool       // the last write failed, and this was logged
}

type cursor struct {
	place
	removed time.Time // since when the hook is not in the file; zero: it is
}

// cursorsFile is the content of the file.
type cursorsFile struct {
	Format int          `json:"format"`
	Hooks  []cursorLine `json:"hooks"`
}

type cursorLine struct {
	Name     string    `json:"name"`
	LogID    string    `json:"log_id"`
	Position uint64    `json:"position"`
	Removed  time.Time `json:"removed_at,omitzero"`
}

// loadCursors reads the file of a data directory. A file that cannot be read is set aside, and every hook begins at the
// end of the log: a server that drivers need must be able to start.
func loadCursors(dir string, logger *slog.Logger) *cursors {
	c := &cursors{dir: dir, logger: logger, of: map[string]cursor{}, wake: make(chan struct{}, 1)}
	path := filepath.Join(dir, CursorsName)
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c
	}
	var file cursorsFile
	if err == nil {
		err = json.Unmarshal(data, &file)
	}
	if err == nil && file.Format != cursorsFormat {
		err = fmt.Errorf("it has format %d, written by another version of Swarmcall", file.Format)
	}
	if err != nil {
		aside := path + ".unreadable"
		logger.Error("cannot read the cursors of webhooks: each webhook begins at the end of the log, and records that "+
			"were not delivered before this start are left out", "file", path, "kept_as", aside,
			"err", errors.Join(err, os.Rename(path, aside)))
		return c
	}
	for _, h := range file.Hooks {
		c.of[h.Name] = cursor{place{h.LogID, h.Position}, h.Removed}
	}
	return c
}

// get returns the place of a hook; ok is false for a hook that is new.
func (c *cursors) get(name string) (p place, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, ok := c.of[name]
	return at.place, ok
}

// set moves the cursor of a hook.
func (c *cursors) set(name string, p place) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of[name] = cursor{place: p}
	c.changed()
}

func (c *cursors) changed() {
	c.dirty = true
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// keep notes which hooks are in the file. The cursors of others are kept for a day, so that a hook that was removed by
// mistake continues when it is back.
func (c *cursors) keep(names []string, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, at := range c.of {
		switch present := slices.Contains(names, name); {
		case !at.removed.IsZero() && now.Sub(at.removed) > keepRemoved:
			delete(c.of, name)
		case present && !at.removed.IsZero():
			c.of[name] = cursor{place: at.place}
		case !present && at.removed.IsZero():
			c.of[name] = cursor{at.place, now.UTC()}
		default:
			continue
		}
		c.changed()
	}
}

// run writes the file when a cursor has moved, until ctx ends, and once more at the end.
func (c *cursors) run(ctx context.Context) {
	defer func() { _ = c.save() }() // it was logged
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		began := time.Now()
		_ = c.save()
		pause := time.NewTimer(max(saveEvery, saveShare*time.Since(began)))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
	}
}

// save writes the file, if a cursor has moved. A failure is logged once until a write succeeds again.
func (c *cursors) save() error {
	c.saving.Lock()
	defer c.saving.Unlock()
	data, changed := c.encode()
	if !changed {
		return nil
	}
	err := replace(c.dir, CursorsName, data)
	if err != nil {
		c.mu.Lock()
		c.changed() // try again
		c.mu.Unlock()
		if !c.failed {
			c.logger.Warn("cannot save how far webhooks have got; after a restart they get records a second time", "err", err)
		}
	}
	c.failed = err != nil
	return err
}

// encode returns what is to be written; changed is false if that is in the file already.
func (c *cursors) encode() (data []byte, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty {
		return nil, false
	}
	c.dirty = false
	file := cursorsFile{Format: cursorsFormat}
	for _, name := range slices.Sorted(maps.Keys(c.of)) {
		at := c.of[name]
		file.Hooks = append(file.Hooks, cursorLine{name, at.log, at.position, at.removed})
	}
	data, err := json.Marshal(file)
	if err != nil {
		panic("cannot encode cursors: " + err.Error()) // names and numbers
	}
	return append(data, '\n'), true
}

// replace writes a file durably: after a crash at any moment it is the old one or the new one.
func replace(dir, name string, data []byte) error {
	path := filepath.Join(dir, name)
	f, err := os.OpenFile(path+".tmp", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a rename in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
