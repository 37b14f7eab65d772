package compat

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// lastRelease is the commit of the last release. It changes only with a later release, never because of a change.
const lastRelease = "ebbfd6830c665fbc4a02e8efa37a308ca5ba6808"

// errAbsent says that the commit of the last release is not available here.
var errAbsent = errors.New("git with the commit of the last release is needed")

var buildOld = sync.OnceValues(func() (*release, error) {
	archive, err := archiveOf(lastRelease)
	if err != nil {
		return nil, err
	}
	tree := filepath.Join(scratch, "old-tree")
	if err := unpack(archive, tree); err != nil {
		return nil, err
	}
	dir, err := build(tree, filepath.Join(scratch, "old"))
	return &release{name: "old", dir: dir}, err
})

// oldRelease returns the binaries of the last release. The first test that calls it builds them.
func oldRelease(t *testing.T) *release {
	t.Helper()
	r, err := buildOld()
	if errors.Is(err, errAbsent) {
		testenv.SkipOrFail(t, "%v; get it: git fetch --unshallow", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// archiveOf returns the files of a commit as a tar archive.
func archiveOf(commit string) ([]byte, error) {
	var out, errs bytes.Buffer
	c := exec.Command("git", "archive", "--format=tar", commit)
	c.Dir, c.Stdout, c.Stderr = root, &out, &errs
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: git archive %s: %w\n%s", errAbsent, commit, err, errs.String())
	}
	return out.Bytes(), nil
}

// unpack writes the regular files of an archive below dir.
func unpack(archive []byte, dir string) error {
	for files := tar.NewReader(bytes.NewReader(archive)); ; {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(files)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return err
		}
	}
}
