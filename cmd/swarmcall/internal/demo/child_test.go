package demo

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// Roles of the test binary as a child.
const (
	roleParent  = "role-parent"  // starts a role-connect child and waits forever
	roleConnect = "role-connect" // connects to an address and waits forever
	roleDeaf    = "role-deaf"    // ignores all requests to end
)

func parent(args []string) int {
	start := startChild
	if args[0] == "pipe" {
		start = startPiped
	}
	self, _ := os.Executable()
	argv := []string{self, roleConnect, args[1]}
	if args[0] == "script" {
		argv = []string{"sh", "-c", `"$0" "$@" & wait`, self, roleConnect, args[1]}
	}
	c, err := start("child", argv, newTail("child", nil))
	if err != nil {
		return 1
	}
	<-c.done
	return 1
}

func connect(address string) int {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return 1
	}
	_, _ = conn.Write([]byte("!"))
	_, _ = io.Copy(io.Discard, conn)
	return 0
}

func deaf() int {
	signal.Ignore(syscall.SIGTERM, os.Interrupt)
	fmt.Println("deaf at 127.0.0.1:1") // an address, so that tail.told is closed
	<-time.After(10 * time.Minute)     // the test kills it before that
	return 0
}

// A child must not outlive its parent, even if the parent is killed.
func TestChildDiesWithItsParent(t *testing.T) {
	// own: how this system does it; pipe: how other systems do it; script: the child is started by a script.
	for _, how := range []string{"own", "pipe", "script"} {
		t.Run(how, func(t *testing.T) {
			if how == "script" && runtime.GOOS != "linux" {
				testenv.SkipOrFail(t, "descendants do not die with the demo on %s", runtime.GOOS)
			}
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute))
			parent := exec.Command(executable(t), roleParent, how, l.Addr().String())
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = parent.Wait() }()
			defer func() { _ = parent.Process.Kill() }()

			conn, err := l.Accept()
			if err != nil {
				t.Fatalf("the child did not come: %v", err)
			}
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
			if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
				t.Fatalf("the child does not run: %v", err)
			}
			_ = parent.Process.Kill()
			if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
				t.Fatalf("the child lives on after its parent: %v", err)
			}
		})
	}
}

func TestDeafChildIsKilled(t *testing.T) {
	c, err := startChild("deaf", []string{executable(t), roleDeaf}, newTail("deaf", nil))
	if err != nil {
		t.Fatal(err)
	}
	<-c.log.told
	if killed := endAll(50*time.Millisecond, c); len(killed) != 1 || killed[0] != "deaf" {
		t.Errorf("killed %v, want the deaf one", killed)
	}
	if !c.ended() || c.err == nil {
		t.Errorf("ended %v, with %v; want a killed process", c.ended(), c.err)
	}
}

func TestChildThatCannotStart(t *testing.T) {
	if _, err := startChild("none", []string{t.TempDir() + "/none"}, newTail("none", nil)); err == nil {
		t.Error("a program that is not there was started")
	}
}

func TestTail(t *testing.T) {
	var echo strings.Builder
	tail := newTail("d-1", &echo)
	if _, err := io.Copy(tail, iotest.OneByteReader(strings.NewReader("starting\r\nlistening on addr=[::1]:8080 not "+
		"127.0.0.1:9\nunfinished"))); err != nil {
		t.Fatal(err)
	}
	<-tail.told
	if got := tail.addr(); got != "[::1]:8080" {
		t.Errorf("address %q", got)
	}
	if got, want := strings.Join(tail.last(), "|"),
		"starting|listening on addr=[::1]:8080 not 127.0.0.1:9|unfinished"; got != want {
		t.Errorf("lines %q", got)
	}
	if got, want := echo.String(), "d-1 | starting\nd-1 | listening on addr=[::1]:8080 not 127.0.0.1:9\n"; got != want {
		t.Errorf("echo %q, want %q", got, want)
	}
	_, _ = fmt.Fprintf(tail, "\n%s\n%s", strings.Repeat("line\n", 100), strings.Repeat("x", 5*lineBytes))
	if got := tail.last(); len(got) != tailLines+1 || len(got[tailLines]) != lineBytes {
		t.Errorf("%d lines are kept, the last of %d bytes", len(got), len(got[len(got)-1]))
	}
}

func executable(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return self
}
