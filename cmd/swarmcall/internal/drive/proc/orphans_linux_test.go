package proc

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// mark is a variable that all processes of a test inherit. The test finds them by it, whatever their parent is.
const mark = "PROC_TEST_MARK"

// patience bounds each wait for a condition, on a machine that may be busy.
const patience = time.Minute

// world is a driver process that has started a script.
type world struct {
	t      *testing.T
	driver *exec.Cmd
	lines  *bufio.Scanner
	stdin  io.Writer
	mark   string
	file   string // its path is in PROC_TEST_FILE of all processes
	pids   []int  // that the script printed
}

// open starts a driver with a script that prints the ids of this number of processes, one per line.
func open(t *testing.T, script string, tells int) *world {
	t.Helper()
	w := &world{t: t, mark: fmt.Sprintf("%s=%s-%d", mark, t.Name(), os.Getpid())}
	w.driver = exec.CommandContext(context.Background(), os.Args[0])
	w.file = filepath.Join(t.TempDir(), "wait")
	if err := os.WriteFile(w.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w.driver.Env = append(os.Environ(), "PROC_TEST=driver", "PROC_TEST_SCRIPT="+script, "PROC_TEST_FILE="+w.file,
		w.mark)
	w.driver.Stderr = os.Stderr
	out, err := w.driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	_ = out.(*os.File).SetReadDeadline(time.Now().Add(patience)) // a pipe supports it
	if w.stdin, err = w.driver.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := w.driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.end)
	w.lines = bufio.NewScanner(out)
	for range tells {
		pid, err := strconv.Atoi(w.line())
		if err != nil {
			t.Fatal(err)
		}
		w.pids = append(w.pids, pid)
	}
	return w
}

// end ends the driver, and what the code under test left behind: a failed test must not leave load.
func (w *world) end() {
	_ = w.driver.Process.Kill()
	_ = w.driver.Wait()
	for _, pid := range w.marked() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (w *world) line() string {
	w.t.Helper()
	if !w.lines.Scan() {
		w.t.Fatalf("the driver has ended: %v", w.lines.Err())
	}
	return w.lines.Text()
}

// do makes the driver carry out an order, and returns how its process ended.
func (w *world) do(what string) string {
	w.t.Helper()
	if _, err := fmt.Fprintln(w.stdin, what); err != nil {
		w.t.Fatal(err)
	}
	for {
		if line, ok := strings.CutPrefix(w.line(), "did "+what); ok {
			return line
		}
	}
}

// killDriver kills the driver with SIGKILL.
func (w *world) killDriver() {
	w.t.Helper()
	if err := w.driver.Process.Kill(); err != nil {
		w.t.Fatal(err)
	}
	_ = w.driver.Wait()
}

// marked returns all processes of the test except the driver.
func (w *world) marked() (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range all {
		environ, err := os.ReadFile(path) // empty for those that have ended
		if err != nil || !bytes.Contains(environ, []byte(w.mark)) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if pid != w.driver.Process.Pid && pid != os.Getpid() {
			pids = append(pids, pid)
		}
	}
	return pids
}

// runs reports whether a process still runs.
func runs(pid int) bool {
	e, ok := readEntry(pid)
	return ok && !e.zombie
}

// left returns the processes that still run: by the ids that the script printed, and by their mark.
func (w *world) left() (pids []int) {
	for _, pid := range w.pids {
		if runs(pid) {
			pids = append(pids, pid)
		}
	}
	return append(pids, w.marked()...)
}

// wantNone waits until no process of the test is left.
func (w *world) wantNone() {
	w.t.Helper()
	w.await("no process is left", func() bool { return len(w.left()) == 0 })
}

func (w *world) await(what string, so func() bool) {
	w.t.Helper()
	late := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-late:
			w.t.Fatalf("not in time: %s; left: %v", what, w.left())
		case <-again.C:
		}
	}
}

// stopWaiting removes the file that a script waits for.
func (w *world) stopWaiting() {
	w.t.Helper()
	if err := os.Remove(w.file); err != nil {
		w.t.Fatal(err)
	}
}

// guard returns the id of the guard.
func (w *world) guard() int {
	w.t.Helper()
	for _, e := range readTable()[w.driver.Process.Pid] {
		return e.pid
	}
	w.t.Fatal("there is no guard")
	return 0
}

// Each script prints the ids of all its processes, except those of a fork bomb, and then waits forever.
var scripts = map[string]struct {
	text  string
	tells int
	needs string
}{
	"background jobs": {text: `
		for i in 1 2 3; do while :; do sleep 0.1; done >/dev/null & echo $!; done
		echo $$; wait`, tells: 4},
	"a session of its own": {text: `
		setsid sh -c 'echo $$; while :; do sleep 0.1; done' &
		echo $$; wait`, tells: 2, needs: "setsid"},
	"a daemon by two forks": {text: `
		(setsid sh -c 'cd /; (echo $(exec sh -c "echo \$PPID"); exec sleep 1000) & exit 0' & exit 0)
		echo $$; exec sleep 1000`, tells: 2, needs: "setsid"},
	"nohup": {text: `
		nohup sh -c 'echo $$; exec sleep 1000' 2>/dev/null &
		echo $$; wait`, tells: 2, needs: "nohup"},
	"a Python subprocess": {text: `exec python3 -c '
import os, subprocess, time
print(os.getpid(), flush=True)
p = subprocess.Popen(["sleep", "1000"], start_new_session=True)
print(p.pid, flush=True)
time.sleep(1000)'`, tells: 2, needs: "python3"},
	"a stopped grandchild": {text: `
		sleep 1000 & kill -STOP $!; echo $!; echo $$; wait`, tells: 2},
	"deaf to all signals": {text: `
		trap '' TERM INT HUP QUIT
		setsid sh -c 'echo $$; while :; do sleep 0.1; done' &
		echo $$; while :; do sleep 0.1; done`, tells: 2, needs: "setsid"},
	"many that fork": { // 2⁷ processes, and each makes short-lived ones
		text: `
		grow() { [ "$1" = 0 ] || { grow $(($1-1)) & grow $(($1-1)) & }; while :; do sleep 0.05; done; }
		grow 6 & echo $$; wait`, tells: 1},
	"one that always moves on": { // each parent ends as soon as its child has started
		text: `
		hop() { [ "$1" = 0 ] && exec sleep 1000; hop $(($1-1)) & exit 0; }
		(hop 300) & echo $$; exec sleep 1000`, tells: 1},
}

func eachScript(t *testing.T, test func(t *testing.T, w *world)) {
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			if script.needs != "" {
				if _, err := exec.LookPath(script.needs); err != nil {
					testenv.SkipOrFail(t, "%v", err)
				}
			}
			test(t, open(t, script.text, script.tells))
		})
	}
}

func TestNothingOutlivesADriverThatIsKilled(t *testing.T) {
	eachScript(t, func(_ *testing.T, w *world) {
		w.killDriver()
		w.wantNone()
	})
}

func TestNothingOutlivesAGuardThatIsKilled(t *testing.T) {
	eachScript(t, func(t *testing.T, w *world) {
		if err := syscall.Kill(w.guard(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if how := w.do("wait"); !strings.Contains(how, "its guard process ended: signal: killed") {
			t.Error(how)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("said to have ended, and these run: %v", left)
		}
	})
}

func TestNothingIsLeftByAnOrderlyEnd(t *testing.T) {
	eachScript(t, func(t *testing.T, w *world) {
		w.do("close")
		if left := w.left(); len(left) > 0 {
			t.Errorf("closed, and these run: %v", left)
		}
	})
}

func TestNothingIsLeftByAKill(t *testing.T) {
	eachScript(t, func(t *testing.T, w *world) {
		if how := w.do("kill"); !strings.Contains(how, "signal: killed") {
			t.Error(how)
		}
		if left := w.left(); len(left) > 0 {
			t.Errorf("killed, and these run: %v", left)
		}
	})
}

// TestAProgramThatEndsTakesItsOwnWithIt: background processes of an ended program would generate load without control.
func TestAProgramThatEndsTakesItsOwnWithIt(t *testing.T) {
	w := open(t,
		`sleep 1000 & setsid sh -c 'echo $$; exec sleep 1000' & echo $!
		while [ -e "$PROC_TEST_FILE" ]; do sleep 0.01; done; exit 7`, 2)
	w.stopWaiting()
	if how := w.do("wait"); !strings.Contains(how, "exit status 7") {
		t.Error(how)
	}
	if left := w.left(); len(left) > 0 {
		t.Errorf("ended, and these run: %v", left)
	}
}

// TestTheDescendantsAreAskedFirst: in an orderly end, the program's descendants also have time to end.
func TestTheDescendantsAreAskedFirst(t *testing.T) {
	w := open(t,
		`(trap 'echo asked; exit 0' TERM; echo $$; while :; do sleep 0.01; done) &
		trap 'exit 0' TERM; while :; do sleep 0.01; done`, 1)
	if _, err := fmt.Fprintln(w.stdin, "close"); err != nil {
		t.Fatal(err)
	}
	if line := w.line(); line != "asked" {
		t.Errorf("%q", line)
	}
}

// TestAGuardOutlivesSignals: if a supervisor sends SIGTERM to a whole service, the driver still needs the guard for an
// orderly end.
func TestAGuardOutlivesSignals(t *testing.T) {
	w := open(t, scripts["background jobs"].text, scripts["background jobs"].tells)
	guard := w.guard()
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGPIPE, syscall.SIGTSTP} {
		if err := syscall.Kill(guard, s); err != nil {
			t.Fatal(err)
		}
	}
	w.killDriver()
	w.wantNone()
	w.await("the guard ends", func() bool { return !runs(guard) })
}

// TestAStoppedGuard checks that a stopped guard kills when the driver is killed, and when it is ordered to.
func TestAStoppedGuard(t *testing.T) {
	for name, end := range map[string]func(w *world){
		"driver killed": (*world).killDriver,
		"kill":          func(w *world) { w.do("kill") },
		"close":         func(w *world) { w.do("close") },
	} {
		t.Run(name, func(t *testing.T) {
			w := open(t, scripts["background jobs"].text, scripts["background jobs"].tells)
			if err := syscall.Kill(w.guard(), syscall.SIGSTOP); err != nil {
				t.Fatal(err)
			}
			end(w)
			w.wantNone()
		})
	}
}

// TestBothKilled kills driver and guard: the kernel still ends the generator itself.
func TestBothKilled(t *testing.T) {
	w := open(t, `echo $$; exec sleep 1000`, 1)
	_ = syscall.Kill(w.driver.Process.Pid, syscall.SIGSTOP) // it cannot do anything
	_ = syscall.Kill(w.guard(), syscall.SIGKILL)
	w.killDriver()
	w.wantNone()
}

// TestOrphansOfOtherParents: while the processes of one guard are killed, those of another continue to run.
func TestOrphansOfOtherParents(t *testing.T) {
	t.Setenv("PROC_TEST", "child")
	other := begin(t, "child", Streams{})
	dead := begin(t, "child", Streams{})
	if err := dead.job.guard.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-dead.Ended()
	if runs(dead.Pid()) || !runs(other.Pid()) {
		t.Errorf("of the dead guard: %v, of the other: %v", runs(dead.Pid()), runs(other.Pid()))
	}
}
