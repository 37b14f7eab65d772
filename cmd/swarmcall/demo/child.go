package demo

import (
	"context"
	"io"
	"os/exec"
	"runtime"
	"time"
)

// child is a process that the demo started. It ends with the demo, however that ends (see guard_*.go).
type child struct {
	name string
	log  *tail
	cmd  *exec.Cmd
	hold io.Closer     // where a pipe tells the child that the demo has ended; else nil
	done chan struct{} // closed when the process has ended and was waited for
	err  error         // how it ended; read it after done
}

// startChild starts argv, guarded against outliving the demo. Its output goes to log.
func startChild(name string, argv []string, log *tail) (*child, error) {
	return startGuarded(name, argv, log, guard)
}

func startGuarded(name string, argv []string, log *tail, guard func(*exec.Cmd) (io.Closer, error)) (*child, error) {
	c := &child{name: name, log: log, done: make(chan struct{})}
	// Not the demo's context: its end would kill, and a child is to be asked first.
	c.cmd = exec.CommandContext(context.Background(), argv[0], argv[1:]...)
	c.cmd.Stdout, c.cmd.Stderr = log, log
	c.cmd.WaitDelay = time.Second
	hold, err := guard(c.cmd)
	if err != nil {
		return nil, err
	}
	c.hold = hold
	started := make(chan error)
	go c.own(started)
	if err := <-started; err != nil {
		return nil, err
	}
	return c, nil
}

// own starts the process and waits for it, on one thread: to Linux it is that thread whose death the child is not to survive.
func (c *child) own(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(c.done)
	err := c.cmd.Start()
	started <- err
	if err == nil {
		c.err = c.cmd.Wait()
	}
}

// ask tells the child to end.
func (c *child) ask() {
	if c.hold != nil {
		_ = c.hold.Close()
		return
	}
	terminate(c.cmd.Process)
}

// wait waits for the end of a child that was asked; after patience the child is killed. It reports whether it went by itself.
func (c *child) wait(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-c.done:
		return true
	case <-late.C:
		kill(c.cmd.Process)
		<-c.done
		return false
	}
}

// ended reports whether the process has ended.
func (c *child) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// endAll asks all children first, then waits for each. It returns the names of those that had to be killed.
func endAll(patience time.Duration, children ...*child) (killed []string) {
	for _, c := range children {
		c.ask()
	}
	late := time.Now().Add(patience)
	for _, c := range children {
		if !c.wait(time.Until(late)) {
			killed = append(killed, c.name)
		}
	}
	return killed
}
