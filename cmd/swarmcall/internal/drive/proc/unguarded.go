package proc

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
)

// Unguarded explains why a process may outlive the driver; it is empty if none can.
func Unguarded() string { return unguarded(runtime.GOOS, "/proc") }

// unguarded is Unguarded on a system whose table of processes is the directory processes.
func unguarded(system, processes string) string {
	if system != "linux" {
		return "on " + system +
			" the generator keeps running if this driver is killed (kill -9); only on Linux does it end with the driver"
	}
	if _, err := os.Stat(filepath.Join(processes, strconv.Itoa(os.Getpid()), "stat")); err != nil {
		return "without /proc the driver cannot find the processes that its generator starts: " +
			"they keep running if the driver is killed (kill -9)"
	}
	return ""
}
