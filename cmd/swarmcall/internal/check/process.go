package check

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"

	"github.com/swarmcall/swarmcall/driver/conformance"
)

// process is the driver under test, with the processes that it starts.
type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

var _ conformance.Process = (*process)(nil)

// start runs argv with these variables added to its environment. Its output goes to out.
func start(argv, env []string, out io.Writer) (conformance.Process, error) {
	// Not the command's context: it would kill the driver, but an orderly end is part of the check.
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...) //nolint:gosec // the user names the program
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second
	group(cmd)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, done: make(chan struct{})}
	go func() { // ends with the process
		defer close(p.done)
		_ = cmd.Wait() // the exit status does not matter: the kit checks the protocol
	}()
	return p, nil
}

func (p *process) Leave() { p.unlessDone(ask) }
func (p *process) Kill()  { p.unlessDone(kill) }

func (p *process) Done() <-chan struct{} { return p.done }

// unlessDone does not signal a reaped process: its id may belong to another process by now.
func (p *process) unlessDone(do func(*os.Process)) {
	select {
	case <-p.done:
	default:
		do(p.cmd.Process)
	}
}
