// Package clierr defines the exit codes of the CLI, and errors with a cause, details and a hint.
package clierr

import (
	"errors"
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Code is an exit code of the CLI. Scripts depend on them: a code never changes its meaning.
type Code int

// The exit codes. When several fit: Rejected, then Missing, then Superseded.
const (
	OK          Code = 0   // every target acked
	Failed      Code = 1   // any other error
	Usage       Code = 2   // wrong usage, or a confirmation refused
	Missing     Code = 3   // finished with missing acks
	Auth        Code = 4   // authentication or authorisation
	Rejected    Code = 5   // rejected by a driver
	TooFew      Code = 6   // not enough drivers
	Timeout     Code = 7   // the wait timed out; the outcome is still open
	Unreachable Code = 8   // the server cannot be reached, or answers 503
	Superseded  Code = 9   // superseded, or refused because of a newer command
	Interrupted Code = 130 // by SIGINT
)

// Error is an error for the user.
type Error struct {
	Code   Code
	What   string   // what failed: "cannot start the server"
	Cause  error    // the cause; nil if What says everything
	Detail []string // evidence, such as the last lines of a log
	Hint   string   // what to do about it; may have several lines
}

func (e *Error) Error() string {
	if e.Cause == nil {
		return e.What
	}
	return e.What + ": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// CodeOf returns the exit code for err: that of the first Error in its chain, else Failed; OK for nil.
func CodeOf(err error) Code {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Failed
}

// Cause returns the reason alone, for an error that already states what failed.
func Cause(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && e.Cause != nil {
		return e.Cause
	}
	return err
}

// Text renders err for stderr, each part on separate lines. It masks tokens: one may be where a flag takes the name of
// a file, and many people read the logs of pipelines.
func Text(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		e = &Error{What: err.Error()}
	}
	var b strings.Builder
	for i, line := range strings.Split(e.What, "\n") {
		if i == 0 {
			line = "swarmcall: " + line
		}
		b.WriteString(console.Safe(line) + "\n")
	}
	if e.Cause != nil {
		part(&b, "cause", strings.Split(e.Cause.Error(), "\n")...)
	}
	part(&b, "detail", e.Detail...)
	if e.Hint != "" {
		part(&b, "hint", strings.Split(e.Hint, "\n")...)
	}
	return swarm.MaskSecrets(b.String())
}

func part(b *strings.Builder, label string, lines ...string) {
	for _, line := range lines {
		fmt.Fprintf(b, "  %-6s %s\n", label, console.Safe(line))
		label = ""
	}
}
