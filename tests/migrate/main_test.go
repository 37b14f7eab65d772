// Package migrate moves the log of a real server into real NATS servers, as `swarmcall log migrate` does, kills that at
// many points, and starts nodes on the result.
package migrate

import (
	"fmt"
	"os"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binaries holds the command-line tool, with failpoints.
var binaries string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-migrate-")
	if err == nil {
		binaries = dir
		err = proctest.Build("", dir, map[string]string{"swarmcall": "github.com/swarmcall/swarmcall/cmd/swarmcall"},
			"-tags", "failpoints")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot build what the tests are about:", err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(binaries)
	os.Exit(code)
}
