// Package process_test breaks a real server process and what it stands on: it is killed at any moment, paused, denied its disk,
// and cut off from its clients. Each test prints its figure: violations v of n, with the bound that the n allows.
package process_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// binaries holds what TestMain has built: the server and the command-line tool, both with failpoints.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-faults-")
	if err == nil {
		binaries = dir
		err = build()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build what the tests are about:", err)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(binaries)
		os.Exit(code)
	}))
}

// build makes the binaries without the race detector: they are tried by what they do, and the fsyncs are slow enough.
func build() error {
	for _, name := range []string{"server", "swarmcall"} {
		pkg := "github.com/swarmcall/swarmcall/cmd/" + name
		if out, err := exec.Command("go", "build", "-tags", "failpoints", "-o", filepath.Join(binaries, name), pkg).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", name, err, out)
		}
	}
	return nil
}
