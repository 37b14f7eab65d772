// Package process_test breaks a real server process and what it depends on: it is killed at any moment, suspended,
// denied its disk, and cut off from its clients. Each test prints its figure: violations v of n, with the bound that n
// allows.
package process_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binaries holds what TestMain has built: the server and the command-line tool, both with failpoints.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-faults-")
	if err == nil {
		binaries = dir
		err = proctest.Build("", dir, map[string]string{
			"server":    "github.com/swarmcall/swarmcall/cmd/server",
			"swarmcall": "github.com/swarmcall/swarmcall/cmd/swarmcall",
		}, "-tags", "failpoints")
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
