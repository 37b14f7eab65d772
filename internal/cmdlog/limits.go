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

// limits refuse records before the disk or the stream is full: an embedded engine does not survive a full disk, and
// outcomes and Stops must still fit.
type limits struct {
	max      atomic.Int64 // bytes the log may take
	used     atomic.Int64
	overhead int64  // bytes that the engine stores around a record, rounded up
	whose    string // what sets max, and what to do about it
	minFree  int64  // bytes of the disk that stay free; outcomes and Stops may take three quarters of them
	free     func() (int64, error)
	warned   atomic.Bool
	logger   *slog.Logger
}

func newLimits(cfg Config, used int64) *limits {
	l := &limits{
		minFree: cfg.MinFree, overhead: frameOverhead, logger: cfg.Logger,
		whose: "--log-max-bytes allows; start the server with a higher one",
		free:  func() (int64, error) { return freeBytes(cfg.Dir) },
	}
	l.max.Store(cfg.MaxBytes)
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
	whole := l.max.Load()
	max, minFree := whole-min(mostReserve, whole/8), l.minFree
	if essential {
		max, minFree = whole, l.minFree/4
	}
	if used := l.used.Load(); used+bytes > max {
		return full(fmt.Sprintf("the log is full: %s of the %s that %s", mib(used), mib(whole), l.whose))
	}
	if l.free == nil {
		return nil
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
	used, max := l.used.Add(bytes), l.max.Load()
	if used >= max/100*warnPercent && l.warned.CompareAndSwap(false, true) {
		l.logger.Warn("the log is filling up; when it is full, only Stop is accepted", "used_bytes", used,
			"log_max_bytes", max)
	}
}

// reported takes over what the leader of a shared stream says.
func (l *limits) reported(s state) {
	l.max.Store(s.max)
	l.used.Store(s.bytes)
	l.took(0)
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

// bytesOf returns how many bytes an append needs where the engine stores it.
func (l *limits) bytesOf(p parcel) (n int64) {
	for _, b := range p.records {
		n += int64(len(b)) + l.overhead
	}
	return n
}
