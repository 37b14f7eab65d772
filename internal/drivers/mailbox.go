package drivers

import (
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxControl bounds the control frames that wait for a busy socket; what is over it only repeats what an error frame said.
const maxControl = 8

// mail is one command that was not sent yet.
type mail struct {
	seq     uint64
	command swarm.Command
	frame   []byte // shared by all sessions; never written to
}

// mailbox holds what a session has not sent yet: at most three commands, because a newer command takes the place of the older
// one it makes pointless. Memory is bounded, nothing that counts is ever dropped.
type mailbox struct {
	mu       sync.Mutex
	filled   sync.Cond
	control  [][]byte // sent first
	commands []mail   // in seq order
	closing  wire.CloseCode
	ended    bool
}

func newMailbox() *mailbox {
	b := &mailbox{}
	b.filled.L = &b.mu
	return b
}

// put adds a command and returns the seqs of those it superseded. A mailbox that is closing takes nothing.
func (b *mailbox) put(m mail) (superseded []uint64, taken bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.closing != 0 {
		return nil, false
	}
	b.commands = slices.DeleteFunc(b.commands, func(old mail) bool {
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

// say adds a control frame; false when there is no room for it, or nobody to send it.
func (b *mailbox) say(frame []byte) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ended || b.closing != 0 || len(b.control) >= maxControl {
		return false
	}
	b.control = append(b.control, frame)
	b.filled.Signal()
	return true
}

// close lets the writer send what waits and then close the session with code. The first code wins.
func (b *mailbox) close(code wire.CloseCode) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closing == 0 {
		b.closing = code
		b.filled.Signal()
	}
}

// discard drops the commands that wait: another session has them.
func (b *mailbox) discard() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = nil
}

// end drops what waits and lets the writer go.
func (b *mailbox) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = true
	b.control, b.commands = nil, nil
	b.filled.Signal()
}

// take waits until there is something to do and appends the waiting frames to out. closing is not 0 when the session is to be
// closed after them; ok is false when the session has ended.
func (b *mailbox) take(out [][]byte) (frames [][]byte, closing wire.CloseCode, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.control)+len(b.commands) == 0 && b.closing == 0 && !b.ended {
		b.filled.Wait()
	}
	out = append(out, b.control...)
	for _, m := range b.commands {
		out = append(out, m.frame)
	}
	clear(b.control)
	clear(b.commands)
	b.control, b.commands = b.control[:0], b.commands[:0]
	return out, b.closing, !b.ended
}
