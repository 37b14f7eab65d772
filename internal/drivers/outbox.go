package drivers

import (
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxControl bounds the control frames that wait for a busy socket. Further ones would only repeat an earlier error
// frame.
const maxControl = 8

// unsent is one command that has not been sent yet.
type unsent struct {
	seq     uint64
	command swarm.Command
	frame   []byte // shared by all sessions; never written to
}

// outbox holds what a session has not sent yet: at most three commands, because a newer command replaces the older one
// that it supersedes. Memory is bounded, and no relevant command is ever dropped.
type outbox struct {
	mu       sync.Mutex
	filled   sync.Cond
	control  [][]byte // sent first
	commands []unsent // in seq order
	closing  wire.CloseCode
	ended    bool
}

func newOutbox() *outbox {
	b := &outbox{}
	b.filled.L = &b.mu
	return b
}

// put adds a command and returns the seqs of those it superseded. An outbox that is closing accepts nothing.
func (b *outbox) put(m unsent) (superseded []uint64, taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.closing != 0 {
		return nil, false
	}
	b.commands = slices.DeleteFunc(b.commands, func(old unsent) bool {
		pointless := m.command.Supersedes(old.command)
		if pointless {
			superseded = append(superseded, old.seq)
		}
		return pointless
	})
	b.commands = append(b.commands, m)
	b.filled.Signal()
	return superseded, true
}

// enqueue adds a control frame; false if the outbox is full or closing.
func (b *outbox) enqueue(frame []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.closing != 0 || len(b.control) >= maxControl {
		return false
	}
	b.control = append(b.control, frame)
	b.filled.Signal()
	return true
}

// close makes the writer send the waiting frames and then close the session with code. The first code wins.
func (b *outbox) close(code wire.CloseCode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing == 0 {
		b.closing = code
		b.filled.Signal()
	}
}

// discard drops the waiting commands: another session has them.
func (b *outbox) discard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = nil
}

// end drops the waiting frames and ends the writer.
func (b *outbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.control, b.commands = nil, nil
	b.filled.Signal()
}

// take waits until there is work and appends the waiting frames to out; the last of them, commands in number, are
// commands. closing is not 0 if the session is to be closed after them; ok is false if the session has ended.
func (b *outbox) take(out [][]byte) (frames [][]byte, commands int, closing wire.CloseCode, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.control)+len(b.commands) == 0 && b.closing == 0 && !b.ended {
		b.filled.Wait()
	}
	out = append(out, b.control...)
	for _, m := range b.commands {
		out = append(out, m.frame)
	}
	commands = len(b.commands)
	clear(b.control)
	clear(b.commands)
	b.control, b.commands = b.control[:0], b.commands[:0]
	return out, commands, b.closing, !b.ended
}
