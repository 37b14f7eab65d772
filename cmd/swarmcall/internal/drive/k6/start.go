package k6

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive/proc"
)

// Options say which k6 to drive.
type Options struct {
	K6     string   // the program
	Script string   // what it runs
	Args   []string // additional arguments for k6 run
	Out    io.Writer
	Log    *slog.Logger
}

// startTimeout bounds how long k6 may take to initialise a script.
const startTimeout = 60 * time.Second

// ownScenario is for scripts without a scenario. VUs are initialised on demand.
const ownScenario = `{"scenarios":{"swarmcall":{"executor":"externally-controlled","vus":0,"maxVUs":1,"duration":"0"}}}`

// Start checks k6 and the script, and starts k6 with the script at 0 VUs.
func Start(ctx context.Context, o Options) (*Generator, error) {
	p, err := o.check(ctx)
	if err != nil {
		return nil, err
	}
	address, err := proc.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	args, clean, err := o.arguments(p, address)
	if err != nil {
		return nil, err
	}
	process, err := proc.Start(append([]string{o.K6}, args...), proc.Streams{Stderr: o.Out})
	if err != nil {
		clean()
		return nil, err
	}
	a := newAPI("http://" + address)
	s, err := ready(ctx, a, process, p)
	if err != nil {
		process.Kill()
		clean()
		return nil, err
	}
	g := newGenerator(a, s, process, o.Log)
	g.clean = clean
	return g, nil
}

// arguments returns the arguments of k6 run. clean removes the file that they may name.
func (o Options) arguments(p plan, address string) (args []string, clean func(), err error) {
	args, clean = []string{"run", "--address", address, "--quiet"}, func() {}
	if p.startsAt > 0 {
		args = append(args, "--paused") // it must not generate load before the first command
	}
	if p.ownScenario {
		dir, err := os.MkdirTemp("", "swarmcall-k6-")
		if err != nil {
			return nil, nil, err
		}
		clean = func() { _ = os.RemoveAll(dir) }
		config := filepath.Join(dir, "config.json")
		if err := os.WriteFile(config, []byte(ownScenario), 0o600); err != nil {
			clean()
			return nil, nil, err
		}
		args = append(args, "--config", config)
	}
	return append(append(args, o.Args...), o.Script), clean, nil
}

// ready waits until k6 accepts commands.
func ready(ctx context.Context, a *api, process *proc.Process, p plan) (s status, err error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var exited bool
	drive.Until(ctx, 20*time.Millisecond, func() bool {
		select {
		case <-process.Ended():
			exited = true
			return true
		default:
			s, err = a.status(ctx)
			return err == nil && (s.Running || s.Paused)
		}
	})
	switch {
	case exited:
		return s, failedToStart(process.Err())
	case err != nil:
		return s, &clierr.Error{
			Code: clierr.Failed, What: fmt.Sprintf("k6 was not ready in %v", startTimeout), Cause: err,
		}
	case p.startsAt > 0:
		return atZero(ctx, a)
	}
	return s, nil
}

// atZero takes a run that was started paused to 0 VUs, and resumes it. It sends two changes, because k6 applies the
// pause of a change before its VUs.
func atZero(ctx context.Context, a *api) (status, error) {
	if _, err := a.patch(ctx, change{VUs: new(int64)}); err != nil {
		return status{}, err
	}
	return a.patch(ctx, change{Paused: new(bool)})
}

func failedToStart(err error) error {
	e := &clierr.Error{Code: clierr.Failed, What: "k6 did not start", Cause: err}
	if seen, ok := errors.AsType[drive.Evidence](err); ok {
		e.Detail = seen.Seen()
	}
	return e
}

// Attach takes over a k6 that already runs, without changing its load.
func Attach(ctx context.Context, base string, log *slog.Logger) (*Generator, error) {
	a := newAPI(base)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	s, err := a.status(ctx)
	if err != nil {
		return nil, &clierr.Error{Code: clierr.Failed, What: "cannot attach: no k6 answers at " + base, Cause: err,
			Hint: "k6 run --address HOST:PORT SCRIPT sets the address of its API; the default is 127.0.0.1:6565"}
	}
	// While k6 still initialises VUs, it does not yet report the number below which it refuses vus-max.
	drive.Until(ctx, 50*time.Millisecond, func() bool {
		if now, err := a.status(ctx); err == nil {
			s = now
		}
		return s.Running || s.Paused || s.Stopped
	})
	// Setting the present number of VUs shows whether it can be changed.
	if s, err = a.patch(ctx, change{VUs: &s.VUs}); err != nil {
		e := &clierr.Error{
			Code: clierr.Usage, What: "the load of the k6 at " + base + " cannot be changed while it runs", Cause: err,
			Hint: snippet,
		}
		if r, ok := errors.AsType[*refusal](err); ok && r.Status == 500 {
			e.Hint += "\n" + wayOut
		}
		return nil, e
	}
	return newGenerator(a, s, nil, log), nil
}
