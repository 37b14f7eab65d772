package drive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// unloadTimeout limits the wait for the last player before the driver deregisters: a supervisor may kill it soon after.
const unloadTimeout = 5 * time.Second

// Run drives g until ctx ends, g ends, or the server refuses the driver. It closes g.
func Run(ctx context.Context, o Options, g Generator) error {
	defer g.Close()
	stop := new(driver.LocalStop)
	guarded := newGuarded(g)
	cfg := o.config(guarded, stop)
	tell := newProgress(o.Out, cfg.DriverID, o.URL)
	cfg.OnConnect = func(s driver.Session) { tell.connected(s.URL) }
	cfg.OnDisconnect = func(error) { tell.connected("") }

	// The driver outlives ctx: the load has to be at 0 before the driver deregisters.
	life, leave := context.WithCancelCause(context.WithoutCancel(ctx))
	defer leave(nil)
	left := make(chan struct{})
	var leftBy error // read it after left
	go func() {
		defer close(left)
		leftBy = driver.Run(life, cfg, guarded)
	}()
	told := make(chan struct{})
	go func() { defer close(told); tell.run(life, guarded) }()
	defer func() { leave(nil); <-told }()

	select {
	case <-left:
		return Refused(o.URL, leftBy)
	case <-g.Ended():
		o.Log.Error("the generator has ended; commands are rejected until the driver deregisters", "error", g.Err(),
			"in", o.Linger)
		linger(ctx, o.Linger)
		leave(g.Err())
		<-left
		return ended(g.Err())
	case <-ctx.Done():
		unloaded := unload(guarded, stop)
		leave(errors.New("ended by its operator"))
		<-left
		return interrupted(ctx, unloaded)
	}
}

// linger waits for d, or until ctx ends.
func linger(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// unload brings the load to 0, whatever the server wants, and reports whether it succeeded.
func unload(g guarded, stop *driver.LocalStop) bool {
	stop.Engage()
	ctx, cancel := context.WithTimeout(context.Background(), unloadTimeout)
	defer cancel()
	return Until(ctx, 10*time.Millisecond, func() bool { return g.state().Players == 0 })
}

// Until polls a condition, and reports whether it held before ctx ended.
func Until(ctx context.Context, every time.Duration, so func() bool) bool {
	again := time.NewTicker(every)
	defer again.Stop()
	for !so() {
		select {
		case <-ctx.Done():
			return so()
		case <-again.C:
		}
	}
	return true
}

// Refused explains the error that ended the SDK's driver on the server at url, or on one of a list; it returns nil for
// nil.
func Refused(url string, err error) error {
	e := &clierr.Error{Code: clierr.Failed, What: "the driver cannot continue", Cause: err}
	if h, ok := errors.AsType[*driver.HandshakeError](err); ok {
		e.What = url + " refused the driver"
		if strings.Contains(url, ",") {
			e.What = "a server refused the driver" // the cause names it
		}
		e.Code, e.Hint = hintOn(h)
	}
	if errors.Is(err, driver.ErrInsecureToken) {
		e.Code, e.Hint = clierr.Usage, "use an https address: --url; or allow it: --insecure-token"
	}
	if f, ok := errors.AsType[*driver.FileError](err); ok {
		e.Code, e.Hint = hintOnFile(f)
	}
	if c, ok := errors.AsType[*driver.CloseError](err); ok {
		switch c.Code {
		case wire.CloseCredential:
			e.Code, e.Hint = clierr.Auth, "replace the token in its file: see --token-file"
		case wire.CloseNotYours:
			e.Code = clierr.Auth
			e.Hint = "choose a --driver-id and --label that the credential covers, and that no other credential uses"
		case wire.CloseSuperseded:
			e.Hint = "another driver registered with the same id: choose another --driver-id"
		}
	}
	if err == nil {
		return nil
	}
	return e
}

// Evidence is an error with details, such as the last lines of a process.
type Evidence interface {
	error
	Seen() []string
}

func ended(err error) error {
	e := &clierr.Error{Code: clierr.Failed, What: "the generator has ended, so the driver ended too", Cause: err}
	if seen, ok := errors.AsType[Evidence](err); ok {
		e.Detail = seen.Seen()
	}
	return e
}

// interrupted returns the result of a driver that was asked to end: exit code 130 for Ctrl-C, 0 for a supervisor's
// SIGTERM.
func interrupted(ctx context.Context, unloaded bool) error {
	switch {
	case !unloaded:
		return &clierr.Error{
			Code: clierr.Failed, What: "received a signal to end, but players were still running",
			Cause: fmt.Errorf("not at 0 after %v", unloadTimeout),
		}
	case strings.HasPrefix(fmt.Sprint(context.Cause(ctx)), syscall.SIGINT.String()):
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted: the load is at 0, and the driver has " +
			"deregistered"}
	}
	return nil
}
