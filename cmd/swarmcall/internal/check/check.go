// Package check implements `swarmcall driver check`: it gives the conformance kit a listener, a process to start, and a
// terminal.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/driver/conformance"
)

// Options say what to check and how.
type Options struct {
	Listen     string
	Transcript string // file; empty: none
	DriverID   string // empty: any
	Players    int64
	Token      string // that the driver must present; empty: none
	Wait       time.Duration
	Command    []string  // starts the driver; empty: the user starts it by hand
	Out        io.Writer // receives the report
	Err        io.Writer // receives progress, and what the driver prints
}

// Run checks one driver. The error has exit code 1 if the driver fails, 7 if no driver connected.
func Run(ctx context.Context, o Options) (err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return &clierr.Error{
			Code: clierr.Failed, What: "cannot listen", Cause: err,
			Hint: "choose another address: --listen 127.0.0.1:0",
		}
	}
	url := "http://" + listener.Addr().String()
	kit := conformance.Options{
		Listener: listener, DriverID: o.DriverID, Players: o.Players, Patience: o.Wait, Token: o.Token,
		Progress: func(text string) { _, _ = fmt.Fprintf(o.Err, "· %s\n", text) },
	}
	if o.Transcript != "" {
		file, err := os.Create(o.Transcript)
		if err != nil {
			_ = listener.Close()
			return &clierr.Error{Code: clierr.Failed, What: "cannot write the transcript", Cause: err}
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		kit.Transcript = file
	}
	if len(o.Command) > 0 {
		env := []string{"SWARMCALL_URL=" + url}
		if o.Token != "" {
			tokens, err := newTokenFile(o.Token)
			if err != nil {
				_ = listener.Close()
				return &clierr.Error{Code: clierr.Failed, What: "cannot write the driver's token file", Cause: err}
			}
			defer tokens.remove()
			env, kit.Rotate = append(env, "SWARMCALL_TOKEN_FILE="+tokens.path), tokens.write
		}
		kit.Start = func() (conformance.Process, error) { return start(o.Command, env, o.Err) }
	} else {
		_, _ = fmt.Fprintf(o.Err, "start the driver now, with the server at %s\n", url)
	}
	report, err := conformance.Check(ctx, kit)
	if report.DriverID != "" {
		_, _ = io.WriteString(o.Out, report.String())
	}
	return verdict(ctx, report, err)
}

// verdict turns the outcome into an error with its exit code; nil if the driver passes.
func verdict(ctx context.Context, report conformance.Report, err error) error {
	switch {
	case ctx.Err() != nil:
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted", Cause: ctx.Err()}
	case errors.Is(err, conformance.ErrNoDriver):
		return &clierr.Error{
			Code: clierr.Timeout, What: "nothing to check", Cause: err, Detail: refused(report),
			Hint: "does the driver connect to /drivers/connect at this address, and offer swarmcall.v1.json?",
		}
	case err != nil:
		return &clierr.Error{Code: clierr.Failed, What: "cannot check the driver", Cause: err}
	case !report.OK():
		return &clierr.Error{
			Code: clierr.Failed, What: "the driver does not meet the protocol",
			Hint: "docs/protocol.md describes each requirement D1, D2 …",
		}
	}
	return nil
}

// refused returns the reasons why a client that connected is not a driver.
func refused(report conformance.Report) (lines []string) {
	for _, r := range report.Results {
		if r.Status == conformance.Fail {
			lines = append(lines, fmt.Sprintf("D%d %s: %s", r.Duty, r.Duty.Title(), r.Why))
		}
	}
	return lines
}
