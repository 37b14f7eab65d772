package demo

import (
	"context"
	"io"
	"os"
	"os/exec"
	"time"
)

// GuardCommand is the name of the hidden CLI command that calls Guard.
const GuardCommand = "demo-guard"

// guardPatience is how long a guarded process may take to end: a little more than the server's own limit.
const guardPatience = 12 * time.Second

// piped is a process under a Guard, which ends it when hold is closed, by the demo or by the demo's death. It is for
// systems that cannot find the descendants of a process; the descendants may continue to run.
type piped struct {
	cmd  *exec.Cmd
	hold io.Closer
}

// startPiped starts argv under a Guard.
func startPiped(name string, argv []string, log *tail) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	path, err := exec.LookPath(argv[0])
	if err != nil {
		return nil, err
	}
	// Not the demo's context: it would kill the child, which must be asked to end first.
	cmd := exec.CommandContext(context.Background(), self, append([]string{GuardCommand, "--", path}, argv[1:]...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.WaitDelay = time.Second
	detach(cmd)
	hold, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return newChild(name, log, piped{cmd, hold}), nil
}

func (p piped) ask()        { _ = p.hold.Close() }
func (p piped) kill()       { kill(p.cmd.Process) }
func (p piped) wait() error { return p.cmd.Wait() }

// Guard runs argv until hold ends, then asks it to end, and kills it after guardPatience. It returns how the process
// ended.
func Guard(argv []string, hold io.Reader, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...) // hold ends it
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { // ends with hold, at the latest with this process
		_, _ = io.Copy(io.Discard, hold)
		terminate(cmd.Process)
		time.AfterFunc(guardPatience, func() { _ = cmd.Process.Kill() })
	}()
	return cmd.Wait()
}
