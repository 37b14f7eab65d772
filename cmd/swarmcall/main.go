// Command swarmcall is the command-line client of Swarmcall, and its demo.
//
// It is a client like any other: it uses HTTP, and the public driver SDK to act as a driver. Of the server it
// contains only the reader of log files, which starts no engine.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
	_ "time/tzdata" // containers have no time zone files, and TZ would be ignored silently

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

func main() {
	proc.RunGuardIfRequested()
	code := run(untilSignal, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(int(code))
}

// untilSignal subscribes to the signals while its caller works, because that starts a thread. The function it returns
// waits for the subscription, and returns a context that ends with the first signal. The second signal ends the process
// at once, unless it is a hang-up: when a terminal is closed, the kernel and the shell both send one, and the load
// still has to be stopped.
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

// signaled is the cause of a context that a signal ended.
type signaled struct{ signal os.Signal }

func (s signaled) Error() string { return s.signal.String() + " signal received" }
func (s signaled) Unwrap() error { return context.Canceled }

// lastWord is what a command prints when a second signal ends the process during cleanup.
var lastWord atomic.Pointer[func()]

// leave ends the process at once. A terminal that accepts no more output must not block it.
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

// outliveReaders makes writes to a closed pipe fail instead of ending the process, for commands that must clean up. The
// signal is caught and not ignored, because child processes would inherit an ignored signal.
func outliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// endSignals are the signals that end a command in order. A hang-up is one, unless nohup ignores it.
func endSignals() []os.Signal {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	return signals
}

// streams are the standard streams of the process: data goes to out, messages to err.
type streams struct {
	in   io.Reader
	out  io.Writer
	err  io.Writer
	args []string // of the command line, for the reports
}
