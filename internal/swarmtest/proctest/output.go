package proctest

import (
	"bytes"
	"sync"
	"time"
)

// Output collects the output of a program, for a test that reads it and waits for it.
type Output struct {
	mu      sync.Mutex
	b       bytes.Buffer
	changed chan struct{} // closed by the next write; nil while no reader waits
}

// Write appends b.
func (o *Output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed != nil {
		close(o.changed)
		o.changed = nil
	}
	return o.b.Write(b)
}

// String returns all that was written.
func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// Until waits until found returns true for the whole output. It returns false if ended is closed before that, or the
// patience is over.
func (o *Output) Until(found func(said string) bool, ended <-chan struct{}, patience time.Duration) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		said, changed := o.next()
		if found(said) {
			return true
		}
		select {
		case <-changed:
		case <-ended:
			return found(o.String())
		case <-limit.C:
			return false
		}
	}
}

func (o *Output) next() (said string, changed <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.changed == nil {
		o.changed = make(chan struct{})
	}
	return o.b.String(), o.changed
}
