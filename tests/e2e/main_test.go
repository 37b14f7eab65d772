// Package e2e runs the built server as a process: signals, a kill and a restart have their real effects.
package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binary is the server, built once for all tests.
var binary string

func TestMain(m *testing.M) {
	if url := os.Getenv(viewersOf); url != "" {
		os.Exit(watch(url)) // a child of BenchmarkViewers
	}
	os.Exit(build(m))
}

func build(m *testing.M) int {
	dir, err := os.MkdirTemp("", "swarmcall-e2e")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary = filepath.Join(dir, "swarmcall-server")
	program := map[string]string{"swarmcall-server": "github.com/swarmcall/swarmcall/cmd/server"}
	if err := proctest.Build("", dir, program); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
