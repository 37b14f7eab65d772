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
	// select blocks until the signal arrives
	kill = func() { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL); select {} }
)

// Hit ends the process with SIGKILL if this is the selected hit of the selected failpoint.
func Hit(name string) {
	if name == chosen && hits.Add(1) == after {
		kill()
	}
}

// parse reads the variable. A wrong value ends the process, because a test that kills nothing would pass.
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
