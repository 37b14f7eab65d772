package driver

import (
	"context"
	"log/slog"
	"sync"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// job is a command on its way to the handler, and the session for its answer: the server accepts an answer only on the
// session that sent the command.
type job struct {
	Command
	rejection *Rejection // not nil: the command is invalid for any handler
	logID     string
	term      uint64 // the worker's term when the server accepted the session
	send      func(frame []byte) error
}

// worker applies commands, one at a time in the order they arrived, and remembers the answers. It lives as long as Run:
// a received command is applied even if its connection has ended.
type worker struct {
	handler  Handler
	limits   limits
	log      *slog.Logger
	jobs     chan *job
	urgent   chan struct{} // wakes run: there is a halt
	finished chan struct{} // closed when run has returned

	mu     sync.Mutex // never held while the handler works
	memory memory
	state  State    // according to the applied commands
	halts  []Origin // stops that do not come from the server; they precede any job. At most one of each origin
	term   uint64   // counts the stops for lost leases; a job of an earlier term is void
}

func newWorker(h Handler, l limits, log *slog.Logger) *worker {
	return &worker{
		handler: h, limits: l, log: log,
		jobs: make(chan *job, remembered), urgent: make(chan struct{}, 1), finished: make(chan struct{}),
	}
}

// run works until ctx ends. A command that the handler has started is finished and answered.
func (w *worker) run(ctx context.Context) {
	defer close(w.finished)
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.urgent:
			w.obey(ctx)
		case j := <-w.jobs:
			w.obey(ctx) // select picks at random when several are ready
			if ctx.Err() == nil {
				w.do(ctx, j)
			}
		}
	}
}

// push queues j. It waits for space until ctx ends; after run has returned, j is dropped.
func (w *worker) push(ctx context.Context, j *job) {
	select {
	case w.jobs <- j:
	case <-ctx.Done():
	case <-w.finished:
	}
}

// do answers j: from memory if it was answered before, else with the handler's answer.
func (w *worker) do(ctx context.Context, j *job) {
	w.mu.Lock()
	void := j.logID != w.memory.logID || j.term != w.term
	rejection, known := w.memory.recall(j.Command)
	w.mu.Unlock()
	if void { // from a log that the driver no longer follows, or from before the lease was lost
		return
	}
	if !known {
		rejection = w.apply(ctx, j)
		w.keep(j, rejection)
	}
	if err := j.send(acknowledge(j.Seq, rejection)); err != nil {
		w.log.Debug("an ack was not sent; the next register reports it", "seq", j.Seq, "error", err)
	}
}

func (w *worker) apply(ctx context.Context, j *job) *Rejection {
	rejection := j.rejection
	if rejection == nil {
		rejection = w.limits.refusal(j.Command)
	}
	if rejection == nil {
		rejection = w.call(ctx, j.Command)
	}
	if rejection != nil {
		w.log.Warn("command rejected", "seq", j.Seq, "type", j.Type, "code", rejection.Code, "detail", rejection.Detail)
	}
	return rejection
}

// keep remembers an answer. If the log changed while the handler worked, only the state is still valid.
func (w *worker) keep(j *job, rejection *Rejection) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if rejection == nil {
		w.state = w.state.After(j.Command.Command())
	}
	if j.logID == w.memory.logID {
		w.memory.remember(j.Command, rejection)
	}
}

// follow makes the worker follow a log: it forgets the answers of another log and drops its waiting commands.
func (w *worker) follow(logID string) {
	w.mu.Lock()
	forgot := w.memory.enter(logID)
	w.mu.Unlock()
	if forgot {
		w.log.Warn("the server has another log; discarded the record of applied commands", "log_id", logID)
	}
}

// progress returns the log, the highest answered seq, and the state according to the applied commands.
func (w *worker) progress() (logID string, applied uint64, state State) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.memory.logID, w.memory.applied, w.state
}

func acknowledge(seq uint64, r *Rejection) []byte {
	if r == nil {
		return wire.AppendApplied(nil, seq)
	}
	return wire.Encode(wire.CommandAck{
		Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusRejected, Code: r.Code, Detail: r.Detail,
	})
}
