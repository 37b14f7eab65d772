package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// job is a guard with the process that it guards.
type job struct {
	guard   *exec.Cmd
	pid     int // of the process, not of the guard
	orders  *os.File
	reports *bufio.Reader
	ended   chan string // how the process ended
}

// start starts a guard, which starts argv.
func start(argv []string, s Streams) (*job, error) {
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	theirOrders, orders, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	reports, theirReports, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, theirOrders.Close(), orders.Close())
	}
	j := &job{guard: guardOf(path, argv, s), orders: orders, reports: bufio.NewReader(reports),
		ended: make(chan string, 1)}
	theirs := []*os.File{theirOrders, theirReports}
	j.guard.ExtraFiles = theirs // ordersFD, reportsFD
	started := make(chan error, 1)
	go j.own(started, []*os.File{orders, reports}, theirs) // ends with the guard
	if err := <-started; err != nil {
		return nil, err
	}
	return j, nil
}

// guardOf builds the command of a guard for argv. The guard is this program, even if its file has since been replaced.
func guardOf(path string, argv []string, s Streams) *exec.Cmd {
	self := "/proc/self/exe"
	if _, err := os.Stat(self); err != nil {
		self = os.Args[0]
	}
	// Without a context: its end would kill the process, but a generator must first be asked to end.
	cmd := exec.CommandContext(context.Background(), self) //nolint:gosec // the user names the program
	cmd.Args = append([]string{os.Args[0], guardCommand, path}, argv...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.Stdin, s.Stdout, s.Stderr
	cmd.WaitDelay = time.Second // only a process that the guard could not kill still holds the pipes
	// Its own group protects it from the terminal's Ctrl-C. The end of the pipe tells the guard that the driver has
	// died; the signal wakes a guard that is stopped.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGCONT}
	return cmd
}

// own starts the guard and waits for it on one thread: on Linux the parent is a thread, and its death sends the child's
// signal.
func (j *job) own(started chan<- error, ours, theirs []*os.File) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := children.start(j.guard)
	closeAll(theirs)
	defer closeAll(ours)
	if err != nil {
		started <- err
		return
	}
	err = j.awaitStart()
	started <- err
	j.ended <- j.follow()
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// awaitStart reads from the guard whether it started the process.
func (j *job) awaitStart() error {
	what, value, _ := j.read()
	number, err := strconv.Atoi(value)
	switch {
	case what == reportStarted && err == nil:
		j.pid = number
		return nil
	case what == reportFailed && err == nil:
		return syscall.Errno(number)
	}
	return errors.New("its guard process ended before it started")
}

// read reads a report of the guard.
func (j *job) read() (what, value string, err error) {
	line, err := j.reports.ReadString('\n')
	what, value, _ = strings.Cut(strings.TrimSuffix(line, "\n"), " ")
	return what, value, err
}

// follow waits for the end of all processes, and returns how the process ended. It kills what a guard leaves behind if
// the guard itself was killed.
func (j *job) follow() (how string) {
	clean := false
	for {
		what, value, err := j.read()
		if err != nil {
			break
		}
		clean = clean || what == reportClean
		if what == reportEnded {
			how = value
		}
	}
	var left []entry
	if !clean {
		_ = j.guard.Process.Kill() // it has closed its end of the pipe: it has ended, or is about to
		left = children.sweep(j.guard.Process.Pid)
	}
	err := j.guard.Wait()
	children.forget(j.guard.Process.Pid)
	if how == "" {
		how = fmt.Sprintf("its guard process ended: %v", err)
	}
	for _, e := range left {
		how += fmt.Sprintf("; process %d could not be killed", e.pid)
	}
	return how
}

func (j *job) wait() string { return <-j.ended }

func (j *job) end(patience time.Duration) {
	j.order(fmt.Sprintf("%s %d", orderEnd, patience.Milliseconds()))
}

func (j *job) kill() { j.order(orderKill) }

// force kills a guard that does not obey; follow kills what it leaves behind.
func (j *job) force() { _ = j.guard.Process.Kill() } // fails if it has ended already

// order sends an order to the guard, and continues a stopped guard.
func (j *job) order(line string) {
	_, _ = fmt.Fprintln(j.orders, line) // a guard that has ended needs no order
	_ = j.guard.Process.Signal(unix.SIGCONT)
}
