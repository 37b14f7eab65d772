package demo

import (
	"bytes"
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// runDemo runs a demo with a fake server of this behaviour, and returns what the demo printed.
func runDemo(t *testing.T, ctx context.Context, behaviour string, forTime time.Duration) (out, log string, err error) {
	t.Helper()
	self := executable(t)
	var stdout, stderr buffer
	err = Run(ctx, Options{
		Self: self, Server: self, Listen: "127.0.0.1:0", DataDir: t.TempDir() + "/" + behaviour, Drivers: 2, Players: 5,
		For: forTime, Verbose: true, Out: &stdout, Err: &stderr,
	})
	return stdout.String(), stderr.String(), err
}

func TestDemoShowsACommandAndEndsInOrder(t *testing.T) {
	out, log, err := runDemo(t, t.Context(), "works", 50*time.Millisecond)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, log)
	}
	for _, want := range []string{
		"  demo-1  acked  in 1.2 ms\n  demo-2  acked  in 1.2 ms\n  complete: 2 of 2 acked in 1.5 ms, entry 1\n",
		"For swarmcall in that terminal:\n\n  export SWARMCALL_URL=http://127.0.0.1:",
		`-d '{"command": {"type": "stop"}}'`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	if !strings.Contains(log, "server | ending with 0 drivers\n") {
		t.Errorf("the drivers have not left before the server:\n%s", log)
	}
}

func TestDemoEndsWhenInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := runDemo(t, ctx, "works", 0); err != nil {
		t.Errorf("a demo that was ended while it started: %v", err)
	}
}

func TestDemoTellsAnIncompleteOutcome(t *testing.T) {
	out, _, err := runDemo(t, t.Context(), "partial", time.Millisecond)
	if clierr.CodeOf(err) != clierr.Missing {
		t.Errorf("error %v, want the exit code for missing acks", err)
	}
	if want := "demo-9  missing  deadline\n" +
		"  partial: 1 of 2 acked in 1.5 ms, entry 1, 1 missing\n"; !strings.Contains(out, want) {
		t.Errorf("the output lacks %q:\n%s", want, out)
	}
}

func TestDemoSaysWhyTheServerEnded(t *testing.T) {
	for behaviour, wants := range map[string][]string{
		"locked": {"the server ended\n", "exit status 1", "locked by process 1", "--data-dir DIR"},
		"dies":   {"the server ended\n", "exit status 0, without being asked to", "ending with 2 drivers"},
	} {
		_, _, err := runDemo(t, t.Context(), behaviour, time.Minute)
		if clierr.CodeOf(err) != clierr.Failed {
			t.Errorf("%s: error %v", behaviour, err)
			continue
		}
		for _, want := range wants {
			if text := clierr.Text(err); !strings.Contains(text, want) {
				t.Errorf("%s: the error lacks %q:\n%s", behaviour, want, text)
			}
		}
	}
}

func TestDemoWantsAFreePort(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	self := executable(t)
	err = Run(t.Context(), Options{
		Self: self, Server: self, Listen: l.Addr().String(), DataDir: t.TempDir(), Drivers: 1,
	})
	if text := clierr.Text(err); !strings.Contains(text, "cannot listen on "+l.Addr().String()) ||
		!strings.Contains(text, "127.0.0.1:0") {
		t.Errorf("the error names neither the trouble nor the way out:\n%s", text)
	}
}

func TestDemoWantsAServer(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	err := Run(t.Context(), Options{
		Self: t.TempDir() + "/swarmcall", Listen: "127.0.0.1:0", DataDir: t.TempDir(), Drivers: 1,
	})
	if text := clierr.Text(err); !strings.Contains(text, "make build") {
		t.Errorf("the error does not say how to get a server:\n%s", text)
	}
}

func TestDialable(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8080": "127.0.0.1:8080", "0.0.0.0:8080": "127.0.0.1:8080", "[::]:8080": "127.0.0.1:8080",
		":8080": "127.0.0.1:8080", "[::1]:1": "[::1]:1", "example.com:80": "example.com:80", "junk": "junk",
	} {
		if got := dialable(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

// buffer is a bytes.Buffer that several goroutines may write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
