//go:build failpoints

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	chosen, after = parse(os.Getenv(Env))
	hits          atomic.Int64
	// the signal comes while it waits
	kill = func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
)

// Hit ends the process with SIGKILL if this is the chosen failpoint and the chosen hit of it.
func Hit(name string) {
	if name == chosen && hits.Add(1) == after {
		kill()
	}
}

// parse reads the variable; a bad one ends the process, for a test that thinks it kills would pass.
func parse(v string) (name string, n int64) {
	name, count, given := strings.Cut(v, ":")
	if !given {
		return name, 1
	}
	n, err := strconv.ParseInt(count, 10, 64)
	if err != nil || n < 1 {
		fmt.Fprintf(os.Stderr, "%s=%q: want NAME or NAME:HITS\n", Env, v)
		os.Exit(2)
	}
	return name, n
}
