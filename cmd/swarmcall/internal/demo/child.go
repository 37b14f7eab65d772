package demo

import "time"

// child is a process that the demo started. It ends with the demo, however that ends.
type child struct {
	name    string
	log     *tail
	process process
	done    chan struct{} // closed when the process has ended and was waited for
	err     error         // how it ended; read it after done
}

// process is how a child is ended.
type process interface {
	ask()        // it to end
	kill()       // it, at once
	wait() error // for its end, once
}

func newChild(name string, log *tail, p process) *child {
	c := &child{name: name, log: log, process: p, done: make(chan struct{})}
	go func() { // ends with the process
		defer close(c.done)
		c.err = p.wait()
	}()
	return c
}

// ask tells the child to end.
func (c *child) ask() { c.process.ask() }

// wait waits for the end of a child that was asked; after patience the child is killed. It reports whether it went by
// itself.
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
