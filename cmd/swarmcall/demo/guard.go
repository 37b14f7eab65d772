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

// guardPatience is how long a guarded process may take to end: a little more than the server promises.
const guardPatience = 12 * time.Second

// guardByPipe wraps cmd into a Guard process that ends it when hold is closed: by the demo, or by the demo's death. For systems
// that do not kill a child along with its parent.
func guardByPipe(cmd *exec.Cmd) (hold io.Closer, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd.Args = append([]string{self, GuardCommand, "--", cmd.Path}, cmd.Args[1:]...)
	cmd.Path = self
	return cmd.StdinPipe()
}

// Guard runs argv until hold ends, then asks it to end, and kills it after a while. It returns how the process ended.
func Guard(argv []string, hold io.Reader, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(context.Background(), argv[0], argv[1:]...) // hold is what ends it
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { // until hold ends: the demo's, and so no later than this process
		_, _ = io.Copy(io.Discard, hold)
		terminate(cmd.Process)
		time.AfterFunc(guardPatience, func() { _ = cmd.Process.Kill() })
	}()
	return cmd.Wait()
}
