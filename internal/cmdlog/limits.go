package cmdlog

import (
	"fmt"
	"log/slog"
	"sync/atomic"
	"syscall"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// DefaultMinFree is the default for how much free disk a log leaves.
const DefaultMinFree = 64 << 20

const (
	mostReserve   = 64 << 20 // bytes below the bound that are reserved for outcomes and Stops
	frameOverhead = 128      // bytes the engine stores around a record, rounded up
	warnPercent   = 80
	oneCommand    = 4 << 10 // bytes that a log must have left to report that it is ready
)

// Usage is how much of its limit a log has used, in bytes.
type Usage struct{ Bytes, Max int64 }

// limits refuse records before the disk is full, because the engine does not survive a full disk.
type limits struct {
	max     int64 // bytes the log may take
	reserve int64 // of these, for outcomes and Stops
	minFree int64 // bytes of the disk that stay free; outcomes and Stops may take three quarters of them
	free    func() (int64, error)
	used    *atomic.Int64
	warned  bool
	logger  *slog.Logger
}

func newLimits(cfg Config, used int64) limits {
	l := limits{
		max: cfg.MaxBytes, reserve: min(mostReserve, cfg.MaxBytes/8), minFree: cfg.MinFree, used: new(atomic.Int64),
		logger: cfg.Logger,
		free:   func() (int64, error) { return freeBytes(cfg.Dir) },
	}
	l.took(used)
	return l
}

func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	return int64(s.Bavail) * int64(s.Bsize), err
}

// check returns why the log cannot accept this many more bytes, or nil. Essential records may use the reserve.
func (l *limits) check(bytes int64, essential bool) error {
	max, minFree := l.max-l.reserve, l.minFree
	if essential {
		max, minFree = l.max, l.minFree/4
	}
	if used := l.used.Load(); used+bytes > max {
		return full(fmt.Sprintf("the log is full: %s of the %s that --log-max-bytes allows; start the server with a "+
			"higher one", mib(used), mib(l.max)))
	}
	free, err := l.free()
	if err != nil {
		return full("the free space of the log's disk cannot be read: " + err.Error())
	}
	if free-bytes < minFree {
		return full(fmt.Sprintf("the log's disk is full: %s are free, and %s must stay free; free some space, and the "+
			"log resumes by itself", mib(free), mib(l.minFree)))
	}
	return nil
}

func full(detail string) error {
	return swarm.LogFull(detail + "; nothing was sent")
}

func mib(bytes int64) string { return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20)) }

// took counts stored bytes, and warns once when the log fills up.
func (l *limits) took(bytes int64) {
	used := l.used.Add(bytes)
	if !l.warned && used >= l.max/100*warnPercent {
		l.warned = true
		l.logger.Warn("the log is filling up; when it is full, only Stop is accepted", "used_bytes", used,
			"log_max_bytes", l.max)
	}
}

// essential reports whether all of the records may use the reserve: events that have already happened, and Stops.
func essential(records []swarm.Record) bool {
	for _, r := range records {
		if issued, ok := r.(*swarm.Issued); ok && issued.Command.Type != command.Stop {
			return false
		}
	}
	return true
}

// storedBytes returns how many bytes the records need in the engine's files.
func storedBytes(stored [][]byte) (n int64) {
	for _, b := range stored {
		n += int64(len(b)) + frameOverhead
	}
	return n
}
