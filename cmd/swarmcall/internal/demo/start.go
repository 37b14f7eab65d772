package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// pollEvery is the interval at which the demo checks a condition that it waits for.
const pollEvery = 25 * time.Millisecond

// startServer starts the server; it may not listen yet.
func (d *demo) startServer(ctx context.Context) error {
	binary, err := d.serverBinary()
	if err != nil {
		return &clierr.Error{
			Code: clierr.Failed, What: "cannot find the server binary", Cause: err,
			Hint: "build it: make build\nor give its path: swarmcall demo --server PATH",
		}
	}
	if err := checkFree(ctx, d.Listen); err != nil {
		return err
	}
	// --log-level: the demo needs the line with the address, even if the environment sets another level.
	argv := []string{binary, "--listen", d.Listen, "--data-dir", d.DataDir, "--log-level", "info"}
	if d.server, err = startChild("server", argv, newTail("server", d.echo)); err != nil {
		return &clierr.Error{Code: clierr.Failed, What: "cannot start the server " + binary, Cause: err}
	}
	return nil
}

// checkFree refuses an address in use: if another server has it, the demo would mistake that server for its own.
func checkFree(ctx context.Context, address string) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return &clierr.Error{
			Code: clierr.Failed, What: "cannot listen on " + address, Cause: err,
			Hint: "stop the process that uses the port, or use any free port: swarmcall demo --listen " +
				"127.0.0.1:0\nby make: make " +
				"run ARGS='--listen 127.0.0.1:0'",
		}
	}
	return l.Close()
}

// awaitAddress waits until the server has logged its address, and sets d.url.
func (d *demo) awaitAddress(ctx context.Context) error {
	const hint = "for details, run the server alone: swarmcall-server --log-level debug"
	patience := time.NewTimer(readyPatience)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-d.server.done:
		return ended("the server", d.server, hintFor(d.server.log.last(), hint))
	case <-patience.C:
		return &clierr.Error{
			Code: clierr.Failed, What: fmt.Sprintf("the server did not log its address within %v", readyPatience),
			Detail: d.server.log.last(), Hint: hint,
		}
	case <-d.server.log.told:
	}
	d.url = "http://" + dialable(d.server.log.addr())
	return nil
}

// awaitReady waits until the server accepts commands.
func (d *demo) awaitReady(ctx context.Context) error {
	return d.poll(ctx, readyPatience, func(ctx context.Context) (bool, error) {
		ctx, cancel := context.WithTimeout(ctx, callPatience)
		defer cancel()
		_, err := d.api.Ready(ctx)
		return err == nil, waiting("the server is not ready", err)
	})
}

// poll calls done until it reports true, ctx ends or the server ends. After patience it returns the last error of done.
func (d *demo) poll(ctx context.Context, patience time.Duration, done func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		ok, err := done(ctx)
		if ok {
			return nil
		}
		if still, isWait := errors.AsType[*waitError](err); !isWait {
			return err
		} else if ctx.Err() != nil {
			return &clierr.Error{
				Code: clierr.Failed, What: fmt.Sprintf("%s after %v", still.what, patience), Cause: still.why,
				Detail: d.server.log.last(),
			}
		}
		select {
		case <-d.server.done:
			return ended("the server", d.server, hintFor(d.server.log.last(), ""))
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// waitError says why the demo still waits; it becomes an error only after the patience.
type waitError struct {
	what string
	why  error
}

func (e *waitError) Error() string { return e.what }
func (e *waitError) Unwrap() error { return e.why }

func waiting(what string, why error) error { return &waitError{what, clierr.Cause(why)} }

// ended returns the error about a child that ended although it should run.
func ended(what string, c *child, hint string) error {
	<-c.done
	why := c.err
	if why == nil {
		why = errors.New("exit status 0, without being asked to")
	}
	return &clierr.Error{Code: clierr.Failed, What: what + " ended", Cause: why, Detail: c.log.last(), Hint: hint}
}

// hintFor returns a hint for the usual reasons why a server does not start.
func hintFor(log []string, otherwise string) string {
	all := strings.ToLower(strings.Join(log, "\n"))
	switch {
	case strings.Contains(all, "address already in use"):
		return "use any free port: swarmcall demo --listen 127.0.0.1:0"
	case strings.Contains(all, "lock"):
		return "another server uses this data directory: stop it, or use another: swarmcall demo --data-dir DIR"
	case strings.Contains(all, "permission denied"):
		return "use a data directory that you can write to: swarmcall demo --data-dir DIR"
	default:
		return otherwise
	}
}

// findBeside finds a program in the directory of self, else on the PATH.
func findBeside(self, name string) (string, error) {
	beside := filepath.Join(filepath.Dir(self), name+filepath.Ext(self))
	if path, err := exec.LookPath(beside); err == nil {
		return path, nil
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s does not exist, and %s is not on the PATH", beside, name)
	}
	return path, nil
}

// dialable returns an address to connect to: loopback for a server that listens on all addresses of the machine.
func dialable(address string) string {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// lockedWriter lets several children write to one writer, a line at a time.
type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}
