package demo

import "time"

// child is a process that the demo started. It ends with the demo, even if the demo is killed.
type child struct {
	name    string
	log     *tail
	process process
	done    chan struct{} // closed when the process has ended and is reaped
	err     error         // how it ended; read it after done
}

// process ends a child.
type process interface {
	ask()        // requests an orderly end
	kill()       // ends it at once
	wait() error // waits for its end; call it once
}

func newChild(name string, log *tail, p process) *child {
	c := &child{name: name, log: log, process: p, done: make(chan struct{})}
	go func() { // ends with the process
		defer close(c.done)
		c.err = p.wait()
	}()
	return c
}

// ask requests an orderly end.
func (c *child) ask() { c.process.ask() }

// wait waits for the end of the child after ask, and kills it after patience. It reports whether the child ended
// without a kill.
func (c *child) wait(patience time.Duration) bool {
	late := time.NewTimer(patience)
	defer late.Stop()
	select {
	case <-c.done:
		return true
	case <-late.C:
		c.process.kill()
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

// endAll asks all children to end, then waits for each. It returns the names of the children that it killed.
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
