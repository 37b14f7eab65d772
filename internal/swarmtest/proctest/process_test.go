package proctest

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = time.Minute

func sh(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(exec.Command("sh", "-c", script))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return p
}

func TestOutputIsWaitedFor(t *testing.T) {
	p := sh(t, "echo one; read line; echo two >&2; exit 3")
	says := func(word string) func(string) bool {
		return func(said string) bool { return strings.Contains(said, word) }
	}
	if !p.Out.Until(says("one"), p.Ended, patience) {
		t.Error("it did not say one")
	}
	if !p.EndsWithin(patience) || p.Code() != 3 { // its stdin is empty
		t.Fatal("it did not end with 3")
	}
	if !p.Err.Until(says("two"), p.Ended, patience) || p.Out.Until(says("two"), p.Ended, patience) {
		t.Errorf("said %q and %q", p.Out, p.Err)
	}
}

func TestASignalHasNoCode(t *testing.T) {
	p := sh(t, "echo up; exec sleep 1000")
	p.Out.Until(func(said string) bool { return said != "" }, p.Ended, patience)
	if p.Over() {
		t.Error("it is over")
	}
	p.Signal(syscall.SIGTERM)
	if !p.EndsWithin(patience) || p.Code() != -1 {
		t.Error("it did not end by the signal")
	}
	p.Kill() // no effect: it has ended
}

func TestAServerThatDoesNotListen(t *testing.T) {
	s, err := StartServer(exec.Command("sh", "-c", "echo no log >&2; exit 7"), patience)
	if err == nil || !strings.Contains(err.Error(), "no log") || s.Code() != 7 {
		t.Errorf("got %v", err)
	}
	s, err = StartServer(exec.Command("sh", "-c", "echo msg=listening addr=127.0.0.1:9 >&2; exec sleep 1000"), patience)
	if err != nil || s.URL() != "http://127.0.0.1:9" {
		t.Fatalf("got %v", err)
	}
	s.Kill()
}
