package locust

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// Options say which Locust to drive.
type Options struct {
	Locust string   // the program
	File   string   // the locustfile
	Args   []string // additional arguments, such as --host
	Out    io.Writer
	Log    *slog.Logger
}

// startTimeout bounds how long Locust may take to import a locustfile.
const startTimeout = 60 * time.Second

// uncontrolled are options with which Locust generates load without a command, or has no web API.
var uncontrolled = []string{"--headless", "--autostart", "--autoquit", "--worker", "--web-port", "-P", "--web-host"}

// Start starts Locust without users.
func Start(ctx context.Context, o Options) (*Generator, error) {
	for _, arg := range o.Args {
		if name, _, _ := strings.Cut(arg, "="); slices.Contains(uncontrolled, name) {
			return nil, &clierr.Error{Code: clierr.Usage, What: name + " cannot be used with a Locust that is driven",
				Hint: "the driver starts Locust's web API and sets its users by commands; start workers beside " +
					"it: locust --worker"}
		}
	}
	address, err := proc.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(address) // FreePort made it
	argv := append([]string{o.Locust, "-f", o.File, "--web-host", host, "--web-port", port}, o.Args...)
	process, err := proc.Start(argv, proc.Streams{Stderr: o.Out})
	if err != nil {
		e := &clierr.Error{Code: clierr.Failed, What: "cannot start Locust", Cause: err}
		if errors.Is(err, exec.ErrNotFound) {
			e.Code, e.Hint = clierr.Usage, "apt-get install python3-locust, or pip install locust, installs one; "+
				"if it is not on the PATH, give its path with --locust"
		}
		return nil, e
	}
	a := newAPI("http://" + address)
	v, err := ready(ctx, a, process)
	if err != nil {
		process.Kill()
		return nil, err
	}
	return newGenerator(a, v, process, o.Log), nil
}

// ready waits until Locust accepts commands.
func ready(ctx context.Context, a *api, process *proc.Process) (v view, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var exited bool
	drive.Until(ctx, 50*time.Millisecond, func() bool {
		select {
		case <-process.Ended():
			exited = true
			return true
		default:
			v, err = a.look(ctx)
			return err == nil
		}
	})
	if exited {
		e := &clierr.Error{Code: clierr.Failed, What: "Locust did not start", Cause: process.Err()}
		if seen, ok := errors.AsType[drive.Evidence](process.Err()); ok {
			e.Detail = seen.Seen()
		}
		return v, e
	}
	if err != nil {
		err = &clierr.Error{
			Code: clierr.Failed, What: fmt.Sprintf("Locust was not ready in %v", startTimeout), Cause: err,
		}
	}
	return v, err
}

// Attach takes over a Locust that already runs, without changing its load.
func Attach(ctx context.Context, base string, log *slog.Logger) (*Generator, error) {
	a := newAPI(base)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	v, err := a.look(ctx)
	if err != nil {
		return nil, &clierr.Error{Code: clierr.Failed, What: "cannot attach: no Locust answers at " + base, Cause: err,
			Hint: "Locust must have its web interface; with --headless it has none"}
	}
	return newGenerator(a, v, nil, log), nil
}
