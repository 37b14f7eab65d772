package proc

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// guardCommand is the first argument of a guard. The path of the program and its argv, with its name, follow.
const guardCommand = "process-guard"

// File descriptors of a guard, beyond the program's own three.
const (
	ordersFD  = 3 // lines from the driver; end of file means that the driver has ended
	reportsFD = 4 // lines to the driver
)

// Lines between driver and guard.
const (
	orderEnd  = "end"  // with the time that the program may take, in ms
	orderKill = "kill" // end of file has the same effect

	reportStarted = "started" // with the process id
	reportFailed  = "failed"  // with the error number: the program was not started
	reportEnded   = "ended"   // with how the program ended
	reportClean   = "clean"   // no descendant is left
)

// leftoverGrace is how long descendants may take to end after the program has ended and they have received SIGTERM.
const leftoverGrace = time.Second

// stuckAfter is how long a guard tries to kill the same processes: it may not be permitted to, or they may wait for a
// dead disk.
const stuckAfter = 10 * time.Second

// RunGuardIfRequested makes this process a guard if its arguments say so, and then does not return. Call it first in
// main.
func RunGuardIfRequested() {
	if len(os.Args) > 3 && os.Args[1] == guardCommand {
		runtime.LockOSThread() // the program's parent is this thread
		os.Exit(guardMain(os.Args[2], os.Args[3:]))
	}
}

// guard is the state of a guard process.
type guard struct {
	reports *os.File
	parent  int
	program entry
	exited  chan string   // how the program ended
	empty   chan struct{} // closed when no child is left, and so no descendant
	orders  chan string
	woken   chan os.Signal

	killing  bool
	killAt   time.Time
	seen     map[int]uint64 // start times of killed processes, by id
	lastSeen time.Time      // when sweep last found a process that is not in seen
}

func guardMain(path string, argv []string) int {
	unix.CloseOnExec(ordersFD)
	unix.CloseOnExec(reportsFD)
	g := &guard{
		reports: os.NewFile(reportsFD, "reports"), parent: os.Getppid(), seen: map[int]uint64{},
		exited: make(chan string, 1), empty: make(chan struct{}), orders: make(chan string),
		woken: make(chan os.Signal, 1),
	}
	g.surviveSignals()
	if err := g.start(path, argv); err != nil {
		errno, _ := errors.AsType[syscall.Errno](err)
		g.report(reportFailed, strconv.Itoa(int(errno)))
		return 1
	}
	g.report(reportStarted, strconv.Itoa(g.program.pid))
	closeStandardStreams()
	go g.reap()                                 // until no child is left
	go g.listen(os.NewFile(ordersFD, "orders")) // until the driver or this process ends
	if left := g.run(); len(left) > 0 {
		return 1
	}
	g.report(reportClean, "")
	return 0
}

// start starts the program. All its descendants stay below this process, which becomes a subreaper.
func (g *guard) start(path string, argv []string) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	pid, err := syscall.ForkExec(path, argv, //nolint:gosec // the user names the program
		&syscall.ProcAttr{
			Env: os.Environ(), Files: []uintptr{0, 1, 2},
			// Its own group: "kill 0" in the program must not reach the guard. Pdeathsig: at least the program dies
			// with the guard.
			Sys: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
		})
	if err != nil {
		return err
	}
	g.program, _ = readEntry(pid) // it is not reaped yet, so its pid is not reused
	g.program.pid = pid
	return nil
}

// surviveSignals catches the signals that would end this process. It does not ignore them, because the program would
// inherit that.
func (g *guard) surviveSignals() {
	var caught []os.Signal
	for _, s := range []os.Signal{
		unix.SIGHUP, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGUSR1, unix.SIGUSR2, unix.SIGPIPE, unix.SIGALRM,
		unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGXCPU, unix.SIGXFSZ, unix.SIGVTALRM, unix.SIGPROF,
		unix.SIGIO, unix.SIGPWR,
	} {
		if !signal.Ignored(s) { // by nohup: the program must inherit it
			caught = append(caught, s)
		}
	}
	signal.Notify(make(chan os.Signal, 1), caught...) // nobody reads it
	signal.Notify(g.woken,
		unix.SIGCONT) // the kernel sends it when the driver dies: a stopped guard must run then
}

// closeStandardStreams closes this process's copies of the program's streams, so that a reader sees their end when the
// program ends.
func closeStandardStreams() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return
	}
	for fd := range 3 {
		_ = unix.Dup3(int(null.Fd()), fd, 0)
	}
	_ = null.Close()
}

// reap waits for every child: the program, and its orphaned descendants.
func (g *guard) reap() {
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.ECHILD):
			close(g.empty)
			return
		case err == nil && pid == g.program.pid:
			g.exited <- describe(status)
		}
	}
}

// describe returns how a process ended, in the words of os/exec.
func describe(s syscall.WaitStatus) string {
	if !s.Signaled() {
		return "exit status " + strconv.Itoa(s.ExitStatus())
	}
	text := "signal: " + s.Signal().String()
	if s.CoreDump() {
		text += " (core dumped)"
	}
	return text
}

// listen passes on the driver's orders. When the driver ends, it passes on orderKill.
func (g *guard) listen(from *os.File) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		g.orders <- lines.Text()
	}
	g.orders <- orderKill
}

func (g *guard) report(what, more string) {
	_, _ = fmt.Fprintf(g.reports, "%s %s\n", what, more) // without a driver nobody reads it
}

// run runs until no descendant is left, or until it cannot kill those that are left; it returns these.
func (g *guard) run() (left []entry) {
	const soonest, latest = 2 * time.Millisecond, 100 * time.Millisecond
	wait := soonest
	timer := time.NewTimer(time.Hour)
	for {
		select {
		case <-g.empty:
			g.drain()
			return nil
		case how := <-g.exited:
			g.report(reportEnded, how)
			g.ended()
		case line := <-g.orders:
			g.order(line)
		case <-g.woken:
			g.killing = g.killing || os.Getppid() != g.parent
		case <-timer.C:
			g.killing = g.killing || (!g.killAt.IsZero() && !time.Now().Before(g.killAt))
		}
		switch {
		case g.killing && g.sweep():
			wait = soonest
		case g.killing:
			wait = min(2*wait, latest)
			if time.Since(g.lastSeen) > stuckAfter {
				return readTable().below(os.Getpid())
			}
		case !g.killAt.IsZero():
			wait = time.Until(g.killAt)
		default:
			wait = time.Hour
		}
		timer.Reset(max(wait, 0))
	}
}

// drain reports how the program ended if it ended together with the last descendant.
func (g *guard) drain() {
	select {
	case how := <-g.exited:
		g.report(reportEnded, how)
	default:
	}
}

// ended asks the processes that the program left behind to end.
func (g *guard) ended() {
	for _, e := range readTable().below(os.Getpid()) {
		_ = e.signal(unix.SIGTERM) // if this fails, it will be killed
	}
	g.scheduleKill(leftoverGrace)
}

// order carries out an order of the driver.
func (g *guard) order(line string) {
	word, value, _ := strings.Cut(line, " ")
	if word != orderEnd {
		g.killing = true
		return
	}
	ms, _ := strconv.Atoi(value)
	_ = g.program.signal(unix.SIGTERM) // it may have ended
	g.scheduleKill(time.Duration(ms) * time.Millisecond)
}

// scheduleKill schedules the kill of the descendants after d, unless an earlier kill is scheduled.
func (g *guard) scheduleKill(d time.Duration) {
	if at := time.Now().Add(d); g.killAt.IsZero() || at.Before(g.killAt) {
		g.killAt = at
	}
}

// sweep kills all descendants, and reports whether it found one that is not in seen.
func (g *guard) sweep() (fresh bool) {
	t := readTable()
	if len(t) == 0 { // without /proc
		_ = unix.Kill(-g.program.pid, unix.SIGKILL) // it may have ended
	}
	for _, e := range t.below(os.Getpid()) {
		_ = e.signal(unix.SIGKILL) // if this fails, it is found again
		if start, ok := g.seen[e.pid]; !ok || start != e.start {
			g.seen[e.pid], fresh = e.start, true
		}
	}
	if fresh || g.lastSeen.IsZero() {
		g.lastSeen = time.Now()
	}
	return fresh
}
