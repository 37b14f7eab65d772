// Package nodes_test runs several real servers on one log: three nats-server processes, three Swarmcall servers, and
// drivers that know all of them. It breaks what a cluster is made of, and checks what clients and drivers have seen.
package nodes_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// binaries holds the server that TestMain has built.
var binaries string

// patience is how long a condition may take before a test gives up. An election in NATS takes up to nine seconds on an
// idle machine, and may be split.
const patience = 2 * time.Minute

// soak is set by `make soak`: then every count is the full one.
var soak = os.Getenv("SWARMCALL_SOAK") == "1"

// rounds returns how often something is repeated.
func rounds(few, all int) int {
	if soak {
		return all
	}
	return few
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "swarmcall-nodes-")
	if err == nil {
		binaries = dir
		err = proctest.Build("", dir, map[string]string{"server": "github.com/swarmcall/swarmcall/cmd/server"})
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

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !within(patience, condition) {
		t.Fatalf("not within %v: %s", patience, what)
	}
}

func within(patience time.Duration, condition func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-deadline:
			return condition()
		}
	}
	return true
}
