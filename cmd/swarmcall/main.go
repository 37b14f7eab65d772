// Command swarmcall is the command-line client of Swarmcall, and the demo of it.
//
// It is a client like any other: HTTP to the server, the public driver SDK to be a driver. Of the server it has only
// the reader of log files, which starts no engine.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // a container has no files of time zones, and TZ would be ignored in silence

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

func main() {
	proc.GuardIfAsked()
	code := run(untilSignal, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(int(code))
}

// untilSignal asks for the signals beside what its caller does, for that starts a thread. The function it returns waits
// until they are asked for, and returns a context that ends with the first. The second ends the process at once, unless
// it is a hang-up: a terminal that is closed sends several, by the kernel and by the shell, and the load has to be
// stopped for all that.
func untilSignal() func() context.Context {
	asked := make(chan context.Context, 1)
	go func() {
		ctx, end := context.WithCancelCause(context.Background())
		defer end(nil)
		signals := make(chan os.Signal, 4)
		signal.Notify(signals, endSignals()...)
		asked <- ctx
		end(signaled{<-signals})
		for s := range signals {
			if s != syscall.SIGHUP {
				leave()
			}
		}
	}()
	return func() context.Context { return <-asked }
}

// signaled is the cause of the end of a context: which signal it was.
type signaled struct{ signal os.Signal }

func (s signaled) Error() string { return s.signal.String() + " signal received" }
func (s signaled) Unwrap() error { return context.Canceled }

// lastWord is what a command says when a second signal ends the process in the midst of its clearing up.
var lastWord atomic.Pointer[func()]

// leave ends the process at once. A terminal that takes no more text must not hold it.
func leave() {
	if say := lastWord.Load(); say != nil {
		said := make(chan struct{})
		go func() { // ends with the process
			(*say)()
			close(said)
		}()
		select {
		case <-said:
		case <-time.After(time.Second):
		}
	}
	os.Exit(int(clierr.Interrupted))
}

// outliveReaders has writes to a pipe that nobody reads fail, where they would end the process: for commands that
// must clear up. The signal is caught and not ignored: what the command starts would inherit that.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// endSignals are the signals that end a command in order. A hang-up is one, unless nohup has it ignored.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// streams are the process's own: data goes to out, messages to err.
type streams struct {
	in   io.Reader
	out  io.Writer
	err  io.Writer
	args []string // of the command line, for reports to say what was called
}
