package logfile

import (
	"os"
	"path/filepath"
	"testing"
)

// blocks creates a directory as the engine leaves it, with these block files.
func blocks(t *testing.T, numbers ...int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, blockDir), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{metaName, metaSum} {
		put(t, dir, name, "meta")
	}
	for _, n := range numbers {
		put(t, dir, blockName(n), "block")
	}
	return dir
}

func put(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestTailFollowsTheEngine: the tail begins at the newest block and advances to each new one.
func TestTailFollowsTheEngine(t *testing.T) {
	for name, first := range map[string][]int{"a new log": nil, "a log of some blocks": {1, 4, 5}} {
		t.Run(name, func(t *testing.T) {
			dir := blocks(t, first...)
			tail, err := OpenTail(dir)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tail.Close() }()
			begun := tail.number
			if len(first) > 0 && begun != first[len(first)-1] || len(first) == 0 && begun != 0 {
				t.Errorf("it begins at block %d", begun)
			}
			put(t, dir, blockName(begun+1), "one")
			put(t, dir, blockName(begun+2), "two")
			for _, sync := range []func() error{tail.SyncNames, tail.Sync} {
				if err := sync(); err != nil || tail.number != begun+2 {
					t.Errorf("%v; it is at block %d, want %d", err, tail.number, begun+2)
				}
			}
		})
	}
}

// TestASyncOfAnotherFileIsAnError: the engine has replaced the file that is open.
func TestASyncOfAnotherFileIsAnError(t *testing.T) {
	dir := blocks(t, 1)
	tail, err := OpenTail(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tail.Close() }()
	put(t, dir, blockName(1)+".new", "block")
	if err := os.Rename(filepath.Join(dir, blockName(1)+".new"), filepath.Join(dir, blockName(1))); err != nil {
		t.Fatal(err)
	}
	if tail.Sync() == nil {
		t.Error("a file that is not in use was synced")
	}
	if err := os.Remove(filepath.Join(dir, blockName(1))); err != nil {
		t.Fatal(err)
	}
	put(t, dir, blockName(1), "block")
	if tail.Sync() == nil {
		t.Error("after a failed sync another one succeeds")
	}
}

// TestMakeDir creates missing directories, and does not change existing ones.
func TestMakeDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 {
		if err := MakeDir(dir); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", info, err)
		}
	}
	put(t, dir, "file", "")
	if MakeDir(filepath.Join(dir, "file", "c")) == nil {
		t.Error("a directory below a file")
	}
}
