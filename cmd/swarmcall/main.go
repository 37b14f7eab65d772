// Command swarmcall is the command-line client of Swarmcall, and the demo of it.
//
// It is a client like any other: HTTP to the server, the public driver SDK to be a driver. Of the server it has only the reader of
// log files, which starts no engine.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	code := run(untilSignal(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	os.Exit(int(code))
}

// untilSignal asks for the signals beside what its caller does, for that starts a thread. The function it returns waits until they are
// asked for, and returns a context that ends with the first.
func untilSignal() func() context.Context {
	asked := make(chan context.Context, 1)
	go func() {
		ctx, stop := signal.NotifyContext(context.Background(), endSignals()...)
		context.AfterFunc(ctx, stop) // a second Ctrl-C ends the process at once
		asked <- ctx
	}()
	return func() context.Context { return <-asked }
}

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
