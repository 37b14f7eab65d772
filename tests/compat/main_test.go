package compat

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

const root = "../.."

// scratch is the directory of all binaries of this run.
var scratch string

// newRelease is what this tree builds.
var newRelease = &release{name: "new"}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-compat-")
	if err == nil {
		scratch = dir
		newRelease.dir, err = build(root, filepath.Join(dir, "new"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build what the tests are about:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(scratch)
		os.Exit(code)
	}))
}

// build builds the tree into a directory, which it returns: without the race detector, because the tests check only the
// behaviour of the binaries.
func build(tree, into string) (string, error) {
	return into, proctest.Build(tree, into, map[string]string{
		"swarmcall": "./cmd/swarmcall", "swarmcall-server": "./cmd/server",
	}, "-trimpath", "-buildvcs=false")
}
