package generators

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// markOf returns a variable that all processes of a driver inherit: the test finds them by it, whatever their parent
// is.
func markOf(t *testing.T) string { return "GENERATORS_TEST=" + t.Name() + "." }

// marked returns the processes of a test that have not ended.
func marked(t *testing.T) (pids []int) {
	t.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range all {
		// It is empty for a process that has ended and that no parent has waited for.
		if environ, err := os.ReadFile(path); err == nil && bytes.Contains(environ, []byte(markOf(t))) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// allMarked requires that marked finds a driver and all its descendants, of which there are at least so many: else
// finding none of them later would prove nothing.
func (p *process) allMarked(t *testing.T, descendants int) {
	t.Helper()
	eventually(t, "marked finds the process and its descendants", func() bool {
		below := descendantsOf(p.Cmd.Process.Pid)
		found := marked(t)
		unmarked := func(pid int) bool { return !slices.Contains(found, pid) }
		return len(below) >= descendants && !slices.ContainsFunc(append(below, p.Cmd.Process.Pid), unmarked)
	})
}

const shellName = "exec shell"

// documented returns the shell generator of the how-to, with a player in its own session.
func documented(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../docs/howto/drive-exec.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```sh\n(.*?)```").FindSubmatch(page)
	if example == nil {
		t.Fatal("there is no example")
	}
	return "setsid sleep 1000 &\n" + string(example[1])
}

// least is how many descendants a driver has: a guard, and the program that it starts. The shell also has the player in
// its own session.
func least(g generator) int {
	switch {
	case !g.own:
		return 0
	case g.name == shellName:
		return 3
	default:
		return 2
	}
}

// TestNothingOutlivesTheDriver kills drivers under load with kill -9, and ends others with SIGTERM, SIGINT or SIGHUP.
func TestNothingOutlivesTheDriver(t *testing.T) {
	if runtime.GOOS != "linux" {
		testenv.SkipOrFail(t, "the processes of a driver that is killed run on under %s", runtime.GOOS)
	}
	shell := generator{shellName, func(t *testing.T, _ string) []string {
		return []string{"exec", "--", tool(t, "sh", "a shell"), "-c", documented(t)}
	}, true}
	codes := map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGTERM: 0, syscall.SIGINT: 130, syscall.SIGHUP: 0}
	for s, code := range codes {
		for _, g := range append([]generator{shell}, generators...) {
			t.Run(fmt.Sprint(g.name, " ", s), func(t *testing.T) {
				load := startTarget(t)
				url := startServer(t)
				p := drive(t, url, g.args(t, load.URL)...)
				comes(t, url)
				applied(t, url, players(3))
				running(t, url, 3)
				p.allMarked(t, least(g))
				if err := p.Cmd.Process.Signal(s); err != nil {
					t.Fatal(err)
				}
				<-p.Ended
				if got := p.Code(); got != code {
					t.Errorf("exit code %d, want %d:\n%s", got, code, p.log)
				}
				if s != syscall.SIGKILL && len(marked(t)) > 0 {
					t.Errorf("ended in order, and these processes run: %v", marked(t))
				}
				eventually(t, "all its processes have ended", func() bool { return len(marked(t)) == 0 })
			})
		}
	}
}
