package proc

import (
	"bytes"
	"errors"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// entry is a process of the system.
type entry struct {
	pid, parent, group int
	zombie             bool
	start              uint64 // when it started, in ticks: distinguishes processes that got the same id
}

// table contains all processes by the ids of their parents.
type table map[int][]entry

// readTable reads /proc. It is not a snapshot: a process that starts meanwhile may be missing.
func readTable() table {
	t := table{}
	dir, err := os.Open("/proc")
	if err != nil {
		return t
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1) // on an error, the names read so far count
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if e, ok := readEntry(pid); ok {
			t[e.parent] = append(t[e.parent], e)
		}
	}
	return t
}

// below returns the descendants of a process. While the table was read, a process id may have been given to another
// process, so that a process seems to be below its own descendant. A child that is older than its parent is none.
func (t table) below(pid int) (all []entry) {
	all = append(all, t[pid]...)
	known := map[int]bool{pid: true}
	for i := 0; i < len(all); i++ { // all grows
		parent := all[i]
		if known[parent.pid] {
			continue
		}
		known[parent.pid] = true
		for _, e := range t[parent.pid] {
			if e.start >= parent.start {
				all = append(all, e)
			}
		}
	}
	return all
}

// readEntry reads one process.
func readEntry(pid int) (e entry, ok bool) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat") //nolint:gosec // the path contains only a number
	if err != nil {
		return e, false
	}
	_, after, ok := lastCut(text, ") ") // a name may contain any characters
	f := bytes.Fields(after)
	if !ok || len(f) < 20 {
		return e, false
	}
	number := func(i int) int { n, _ := strconv.Atoi(string(f[i])); return n }
	start, err := strconv.ParseUint(string(f[19]), 10, 64)
	return entry{pid: pid, parent: number(1), group: number(2), zombie: f[0][0] == 'Z', start: start}, err == nil
}

func lastCut(b []byte, sep string) (before, after []byte, found bool) {
	i := bytes.LastIndex(b, []byte(sep))
	if i < 0 {
		return b, nil, false
	}
	return b[:i], b[i+len(sep):], true
}

// signal signals e, but never another process that has since got the same id. It fails if that is not permitted.
func (e entry) signal(s unix.Signal) error {
	fd, err := unix.PidfdOpen(e.pid, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	if now, ok := readEntry(e.pid); ok && now.start != e.start {
		s = 0 // it has ended; signal 0 sends nothing
	}
	if err != nil { // a system without pidfds
		return orGone(unix.Kill(e.pid, s))
	}
	defer func() { _ = unix.Close(fd) }()
	return orGone(unix.PidfdSendSignal(fd, s, nil, 0))
}

func orGone(err error) error {
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}
