package generators

import (
	"net"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestNothingOutlivesTheDemo ends the demo by kill -9 and by a hang-up: its server and its drivers end too, and the
// port of the server is free.
func TestNothingOutlivesTheDemo(t *testing.T) {
	if runtime.GOOS != "linux" {
		testenv.SkipOrFail(t, "the processes of a demo are found by /proc, which %s does not have", runtime.GOOS)
	}
	for s, code := range map[syscall.Signal]int{syscall.SIGKILL: -1, syscall.SIGHUP: 0} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p, address := startDemo(t)
			p.allMarked(t, 2*(1+demoDrivers)) // of the server and of each driver: a guard and the process
			if l, err := net.Listen("tcp", address); err == nil {
				_ = l.Close()
				t.Fatalf("the server does not listen at %s", address)
			}
			p.Signal(s)
			<-p.Ended
			if got := p.Code(); got != code {
				t.Errorf("exit code %d, want %d:\n%s", got, code, p.log)
			}
			if s != syscall.SIGKILL && len(marked(t)) > 0 {
				t.Errorf("ended in order, and these processes run: %v", marked(t))
			}
			eventually(t, "all its processes have ended", func() bool { return len(marked(t)) == 0 })
			l, err := net.Listen("tcp", address)
			if err != nil {
				t.Fatalf("the port of the server is not free: %v", err)
			}
			_ = l.Close()
		})
	}
}

const demoDrivers = 2

var demoServer = regexp.MustCompile(`server +http://(\S+)`)

// startDemo starts the demo, and waits until its first command is answered.
func startDemo(t *testing.T) (p *process, address string) {
	t.Helper()
	p = &process{log: new(proctest.Output)}
	cmd := exec.Command(cli, "demo", "--server", server, "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(),
		"--drivers", strconv.Itoa(demoDrivers), "--players", "3")
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.Env = append(os.Environ(), markOf(t))
	var err error
	if p.Process, err = proctest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the demo: %s", p.log)
		}
	})
	began := func(said string) bool { return strings.Contains(said, "Continue from another terminal") }
	if !p.log.Until(began, p.Ended, patience) {
		t.Fatal("the demo does not begin")
	}
	return p, demoServer.FindStringSubmatch(p.log.String())[1]
}
